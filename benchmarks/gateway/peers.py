"""LiteLLM, Portkey and Envoy before the same provider, each with what its own documents say about speed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.gateway import installing
from benchmarks.gateway.subjects import MODELS, Subject
from benchmarks.processes import free_port, program


@contextmanager
def litellm(provider: str, folder: Path) -> Iterator[Subject]:
    """Run the proxy: one worker, uvloop, no database, no callbacks, no retries, logs of errors only."""
    priced = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    upstream = {"api_base": f"http://{provider}/v1", "api_key": "sk-none"}
    config: dict[str, Any] = {
        "model_list": [
            {"model_name": model, "litellm_params": {"model": f"openai/{model}", **upstream, **priced}}
            for model in MODELS
        ],
        "litellm_settings": {"callbacks": [], "num_retries": 0, "request_timeout": 60, "set_verbose": False},
        "general_settings": {"disable_spend_logs": True},
    }
    # What is JSON is YAML.
    (folder / "litellm.yaml").write_text(json.dumps(config))
    port = free_port()
    command = [str(installing.litellm()), "--config", str(folder / "litellm.yaml"), "--num_workers", "1"]
    environment = {
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        # Authentication off, as on our side.
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        # The prices come with the package; to look for newer ones takes time at the start.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with program(command, port, environment, health="/health/liveliness") as server:
        yield Subject("LiteLLM", server, server.address)


@contextmanager
def portkey(provider: str) -> Iterator[Subject | None]:
    """Run the gateway without its console; nothing where there is no Node."""
    if (script := installing.portkey()) is None:
        yield None
        return
    port = free_port()
    command = ["node", str(script), "--headless", f"--port={port}"]
    with program(command, port, {"NODE_ENV": "production"}) as server:
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"http://{provider}/v1"}
        yield Subject("Portkey", server, server.address, headers=headers)


@contextmanager
def envoy(provider: str, folder: Path) -> Iterator[Subject]:
    """Run the proxy with one worker thread, and nothing but a route: it neither reads nor writes a body."""
    port = free_port()
    (folder / "envoy.json").write_text(json.dumps(_envoy_config(port, provider)))
    command = [str(installing.envoy()), "-c", str(folder / "envoy.json"), "--concurrency", "1", "-l", "off"]
    with program([*command, "--use-dynamic-base-id"], port, {}) as server:
        yield Subject("Envoy, no translation", server, server.address)


def _envoy_config(port: int, provider: str) -> dict[str, Any]:
    host, upstream = provider.split(":")
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "provider", "timeout": "60s"}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    endpoint = {"endpoint": {"address": _address(host, int(upstream))}}
    cluster = {
        "name": "provider",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "provider", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    listener = {"address": _address("127.0.0.1", port), "filter_chains": [{"filters": filters}]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
