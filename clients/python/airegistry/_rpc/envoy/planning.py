"""From a program and its settings to the files that Envoy reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from airegistry._rpc.edge_settings import EdgeSettings
from airegistry._rpc.envoy import certificates
from airegistry._rpc.envoy.bootstrap import bootstrap
from airegistry._rpc.envoy.installed import Installed
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.envoy.tls import secrets
from airegistry._rpc.envoy.transcoding import api_pages
from airegistry._rpc.process import SettingsError
from airegistry._rpc.program import Program


def check(config: EdgeSettings) -> None:
    """Raise SettingsError when Envoy could not use the files that *config* names: it would say so at length, or not at all."""
    if config.tls is not None:
        certificates.check(config.tls)
    if (log := _place(config.access_log)) is not None and log != "-":
        try:
            Path(log).open("ab").close()
        except OSError as error:
            raise SettingsError(
                f"AIREGISTRY_ACCESS_LOG: cannot write {log}: {(error.strerror or str(error)).lower()}"
            ) from error


def plan_of(program: Program[Any], config: EdgeSettings, installed: Installed, folder: Path) -> Plan:
    """Return the plan of a process of *program* that has the addresses of *config* for itself."""
    post = config.post
    return Plan(
        app=program.hosted,
        addresses=(post.address,),
        pyvoy_module=installed.pyvoy_module,
        folder=folder,
        services=program.services,
        pages=api_pages(program.services),
        cors_origins=config.origins,
        compression=config.compression,
        access_log=_place(config.access_log),
        rate_limit=config.limit,
        max_connections=config.max_connections,
        max_connection_age=config.connection_age,
        tls=config.tls,
    )


def shared(plan: Plan, addresses: Sequence[str]) -> Plan:
    """Return the plan of a process that shares the first of these *addresses* with others; each is served once."""
    return replace(plan, addresses=tuple(dict.fromkeys(addresses)), reuse_port=True)


def write(plan: Plan) -> Path:
    """Write what Envoy reads into the plan's folder, and return the file to start it with."""
    start = plan.folder / "envoy.json"
    for path, content in {start: bootstrap(plan), **secrets(plan)}.items():
        path.write_text(json.dumps(content))
    return start


def _place(log: str | None) -> str | None:
    return log if log is None or log == "-" else str(Path(log).expanduser().absolute())
