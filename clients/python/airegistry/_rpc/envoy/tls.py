"""Transport security from files that are read again when they are replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from airegistry._rpc.edge import Tls
from airegistry._rpc.envoy.configuration import Json, typed
from airegistry._rpc.envoy.plan import Plan

_SERVER = "server"
_CLIENTS = "clients"


def transport_socket(plan: Plan, tls: Tls) -> Json:
    """Return what the listener's connections go through; what it names is in the files of `secrets`."""
    common: Json = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [_source(plan.folder, _SERVER)],
    }
    if tls.client_ca is not None:
        common["validation_context_sds_secret_config"] = _source(plan.folder, _CLIENTS)
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(
            "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            {"common_tls_context": common, "require_client_certificate": tls.client_ca is not None},
        ),
    }


def secrets(plan: Plan) -> Mapping[Path, Json]:
    """Return the files, in the plan's folder, that say where the certificates are; they have to be there when Envoy starts."""
    return dict(_secrets(plan.folder, plan.tls)) if plan.tls is not None else {}


def _secrets(folder: Path, tls: Tls) -> Iterator[tuple[Path, Json]]:
    pair = {
        "certificate_chain": {"filename": str(tls.certificate)},
        "private_key": {"filename": str(tls.key)},
        "watched_directory": {"path": str(folder)},
    }
    yield _place(folder, _SERVER), _resource(_SERVER, {"tls_certificate": pair})
    if tls.client_ca is not None:
        trusted = {"trusted_ca": {"filename": str(tls.client_ca)}, "watched_directory": {"path": str(folder)}}
        yield _place(folder, _CLIENTS), _resource(_CLIENTS, {"validation_context": trusted})


def _resource(name: str, secret: Json) -> Json:
    return {"resources": [typed("envoy.extensions.transport_sockets.tls.v3.Secret", {"name": name, **secret})]}


def _source(folder: Path, name: str) -> Json:
    return {
        "name": name,
        "sds_config": {"resource_api_version": "V3", "path_config_source": {"path": str(_place(folder, name))}},
    }


def _place(folder: Path, name: str) -> Path:
    return folder / f"tls-{name}.json"
