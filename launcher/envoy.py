"""`airegistry envoy`: the configuration of Envoy, for those who start it by themselves."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from airegistry._rpc.envoy.by_hand import ByHand

envoy = typer.Typer(
    help="Configure an Envoy with a server inside it, to start it without `--carrier envoy`: from the server's own settings.",
    no_args_is_help=True,
)


class Server(StrEnum):
    """Which server is inside."""

    REGISTRY = "registry"
    GATEWAY = "gateway"


_Server = Annotated[Server, typer.Argument(help="The server inside.")]
_Folder = Annotated[
    Path,
    typer.Option(help="The folder of this Envoy alone: its admin socket is there, and where certificates are said."),
]


@envoy.command()
def config(context: typer.Context, server: _Server, *, folder: _Folder = Path("/run/airegistry")) -> None:
    """Print the configuration: YAML, or JSON with `--output json`."""
    session = session_of(context)
    by_hand = _by_hand(session, server, folder)
    if session.output is Output.JSON:
        session.write(by_hand.configuration)
    else:
        typer.echo(by_hand.as_yaml(), nl=False)


@envoy.command()
def prepare(context: typer.Context, server: _Server, *, folder: _Folder = Path("/run/airegistry")) -> None:
    """Write all files that Envoy reads into the folder, and the script `run` that starts it."""
    session = session_of(context)
    by_hand = _by_hand(session, server, folder)
    try:
        script = by_hand.write()
    except OSError as error:
        session.note(f"cannot write into {folder}: {(error.strerror or str(error)).lower()}", style="red")
        raise typer.Exit(1) from error
    typer.echo(script)


def _by_hand(session: Session, server: Server, folder: Path) -> ByHand:
    from airegistry._rpc.envoy.by_hand import by_hand
    from airegistry._rpc.process import StartError

    try:
        return by_hand(_program(server), folder.expanduser().absolute())
    except StartError as error:
        session.note(str(error), style="red")
        raise typer.Exit(error.exit_code) from error


def _program(server: Server) -> Any:
    if server is Server.REGISTRY:
        from registry.program import REGISTRY

        return REGISTRY
    from gateway.program import GATEWAY

    return GATEWAY
