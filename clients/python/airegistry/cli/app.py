"""The application: common options, every command, and the commands that other distributions add."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from airegistry._rpc.trust import Trust
from airegistry.cli.arguments import hoisted
from airegistry.cli.commands.auto_register import auto_register
from airegistry.cli.commands.catalog import catalog
from airegistry.cli.commands.discover import discover
from airegistry.cli.commands.imports import imports
from airegistry.cli.commands.invoke import invoke
from airegistry.cli.commands.lookup import get, list_
from airegistry.cli.commands.models import models
from airegistry.cli.commands.performance import performance, stats
from airegistry.cli.commands.register import deregister, register
from airegistry.cli.commands.replay import replay
from airegistry.cli.commands.status import status
from airegistry.cli.commands.watch import watch
from airegistry.cli.failures import ExitCode
from airegistry.cli.session import Output, Session

GROUP = "airegistry.commands"
"""The entry points that add commands."""

_HELP = """Register, discover, watch and invoke AI models and agents.

Common options may stand before or behind the command."""
_EPILOG = "Exit codes: 0 done, 1 error, 2 wrong usage, 3 no answer from the registry or the gateway, 130 Ctrl-C."

_COMMANDS: dict[str, Callable[..., None]] = {
    "register": register,
    "get": get,
    "list": list_,
    "discover": discover,
    "watch": watch,
    "invoke": invoke,
    "deregister": deregister,
    "auto-register": auto_register,
    "performance": performance,
    "stats": stats,
    "replay": replay,
    "status": status,
}


def build() -> typer.Typer:
    """Return the application with all commands."""
    app = typer.Typer(
        name="airegistry", help=_HELP, epilog=_EPILOG, no_args_is_help=True, pretty_exceptions_enable=False
    )
    app.callback()(_common)
    for name, command in _COMMANDS.items():
        app.command(name)(command)
    app.add_typer(imports, name="import")
    app.add_typer(catalog, name="catalog")
    app.add_typer(models, name="models")
    for point in sorted(entry_points(group=GROUP)):
        loaded = _loaded(point)
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=point.name)
        else:
            app.command(point.name)(loaded)
    return app


def run() -> None:
    """Run the command with the arguments of the process, and exit."""
    try:
        build()(args=hoisted(sys.argv[1:]), prog_name="airegistry")
    except Exception as error:  # noqa: BLE001 - the last place: nobody wants a traceback in a terminal
        sys.stderr.write(f"airegistry: {type(error).__name__}: {error}\nThis is a bug; please report it.\n")
        sys.exit(ExitCode.ERROR)


def _loaded(point: EntryPoint) -> Callable[..., Any] | typer.Typer:
    """Return the command, or the group of commands, behind an entry point.

    One that cannot be loaded says so when it is called, and only then.
    """
    try:
        return cast(Callable[..., Any] | typer.Typer, point.load())
    except Exception as error:  # noqa: BLE001 - another distribution's fault must not take our commands away
        problem = f"{point.name} of {point.value} cannot be loaded: {error}"

    def broken() -> None:
        sys.stderr.write(f"{problem}\n")
        raise typer.Exit(ExitCode.ERROR)

    return broken


def _common(
    context: typer.Context,
    *,
    registry: Annotated[
        str,
        typer.Option(
            envvar="AIREGISTRY_ADDRESS",
            help="Where the registry answers; several replicas with commas between them.",
            metavar="HOST:PORT",
        ),
    ] = "127.0.0.1:50051",
    gateway: Annotated[
        str, typer.Option(envvar="AIREGISTRY_GATEWAY_ADDRESS", help="Where the gateway answers.", metavar="HOST:PORT")
    ] = "127.0.0.1:50052",
    output: Annotated[Output, typer.Option("--output", "-o", help="How answers are shown.")] = Output.TABLE,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, help="Seconds that a call may take. Default: 30, an invocation 600.")
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            envvar="AIREGISTRY_CA_FILE",
            help="The authorities (PEM) that the servers are known by; calls are encrypted then.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    cert_file: Annotated[
        Path | None,
        typer.Option(
            envvar="AIREGISTRY_CERT_FILE",
            help="The certificate (PEM) to show to servers that ask.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            envvar="AIREGISTRY_KEY_FILE", help="The key (PEM) of that certificate.", exists=True, dir_okay=False
        ),
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Without colours; NO_COLOR does the same.")] = False,
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"airegistry {installed('airegistry')}")
        raise typer.Exit
    if (cert_file is None) != (key_file is None) or (cert_file is not None and ca_file is None):
        raise typer.BadParameter("--cert-file and --key-file go together, with --ca-file")
    trust = None if ca_file is None else Trust(ca_file, cert_file, key_file)
    context.obj = Session(registry, gateway, output, timeout, not no_color, trust)
