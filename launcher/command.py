"""`airegistry up`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from airegistry._rpc.post import CarrierName
from airegistry.cli.session import session_of


class Store(StrEnum):
    """Where the registry keeps everything."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"


REPLICAS = {Store.SQLITE: 1, Store.POSTGRES: 3}


def up(
    context: typer.Context,
    *,
    data_dir: Annotated[
        Path | None,
        typer.Option(envvar="AIREGISTRY_DATA_DIR", help="Where everything is kept. Default: as the servers'."),
    ] = None,
    store: Annotated[
        Store,
        typer.Option(
            help="One registry on SQLite; or three replicas on the PostgreSQL of AIREGISTRY_REGISTRY_DATABASE_URL, or on one "
            "of their own."
        ),
    ] = Store.SQLITE,
    host: Annotated[str, typer.Option(help="Where to listen; beyond loopback only with --insecure.")] = "127.0.0.1",
    registry_port: Annotated[
        int, typer.Option(min=1, max=65535, help="gRPC of the registry; of its replicas, ten apart.")
    ] = 50051,
    registry_http_port: Annotated[
        int, typer.Option(min=1, max=65535, help="/health and /metrics of the registry.")
    ] = 3001,
    gateway_port: Annotated[int, typer.Option(min=1, max=65535, help="gRPC of the gateway.")] = 50052,
    gateway_http_port: Annotated[int, typer.Option(min=1, max=65535, help="The gateway's HTTP fronts.")] = 3002,
    demo_port: Annotated[int, typer.Option(min=1, max=65535, help="The demo backend.")] = 3003,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Start the demo backend.")] = True,
    catalog: Annotated[bool, typer.Option("--catalog/--no-catalog", help="Load the genai-prices catalog.")] = True,
    carrier: Annotated[
        CarrierName | None,
        typer.Option(
            help="What carries the calls: aio, or envoy, which has everything of a server on its gRPC port. "
            "Default: as the servers'."
        ),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond loopback, without encryption and authentication.")
    ] = False,
) -> None:
    """Start registry, gateway and demo backend, load a real catalog, and say what to try; Ctrl-C stops all of it.

    What the servers write goes to the folder logs in the data folder.
    """
    from launcher.places import Places
    from launcher.running import Wishes, run

    places = Places(
        host=host,
        registry_port=registry_port,
        registry_http_port=registry_http_port,
        gateway_port=gateway_port,
        gateway_http_port=gateway_http_port,
        demo_port=demo_port if demo else None,
        replicas=REPLICAS[store],
    )
    wishes = Wishes(data_dir=data_dir, carrier=carrier, catalog=catalog, insecure=insecure)
    raise typer.Exit(run(session_of(context), places, wishes))
