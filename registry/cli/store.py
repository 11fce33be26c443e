"""`airegistry store`: what the store of a registry is and holds, and a new id for one that was restored."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from airegistry.cli.failures import run
from airegistry.cli.session import Session, session_of

if TYPE_CHECKING:
    from rich.table import Table

    from registry.store.overview import NewId, Overview

store = typer.Typer(
    help="Look after the store of a registry: the database that the registry's own settings name.", no_args_is_help=True
)

_DataDir = Annotated[
    Path | None, typer.Option(help="The registry's data folder. Default: AIREGISTRY_DATA_DIR, or as the registry's.")
]
_UrlFile = Annotated[
    Path | None,
    typer.Option(help="The file with the URL of the database. Default: as the registry's settings say, else SQLite."),
]


@store.command()
def show(context: typer.Context, *, data_dir: _DataDir = None, database_url_file: _UrlFile = None) -> None:
    """Show which store it is, what it holds, and who uses it; a registry may run meanwhile."""
    session = session_of(context)
    overview = run(session, "registry", _maintenance(session, data_dir, database_url_file).look())
    session.show(overview, lambda: _table(overview))


@store.command("new-id")
def new_id(context: typer.Context, *, data_dir: _DataDir = None, database_url_file: _UrlFile = None) -> None:
    """Give a store that was restored from a backup a new id, while no registry runs on it.

    Revisions are given out again after a restore. With the new id, what clients remember from before is refused, and they
    take everything anew; with the old one it would be misread.
    """
    session = session_of(context)
    ids = run(session, "registry", _maintenance(session, data_dir, database_url_file).give_new_id())
    session.show(ids, lambda: _pairs((("OLD ID", ids.old), ("NEW ID", ids.new))))


@dataclass(frozen=True)
class _Maintenance:
    """What can be done to the store that the settings name."""

    look: Callable[[], Coroutine[Any, Any, Overview]]
    give_new_id: Callable[[], Coroutine[Any, Any, NewId]]


def _maintenance(session: Session, data_dir: Path | None, url_file: Path | None) -> _Maintenance:
    import asyncio

    from airegistry._rpc.process import StartError
    from airegistry._rpc.settings import read_environment
    from registry.config import Config

    options = {"data_dir": data_dir, "registry_database_url_file": url_file}
    given = {name: value for name, value in options.items() if value is not None}
    try:
        config = read_environment(Config, "registry", given)
    except StartError as error:
        session.note(str(error), style="red")
        raise typer.Exit(error.exit_code) from error
    if url := config.registry_database_url.get_secret_value():
        from registry.store.postgres import maintenance as postgres

        return _Maintenance(partial(postgres.look, url), partial(postgres.give_new_id, url))
    from registry.store.sqlite import maintenance as sqlite

    folder = config.data_dir.expanduser() / "registry"
    return _Maintenance(
        partial(asyncio.to_thread, sqlite.look, folder), partial(asyncio.to_thread, sqlite.give_new_id, folder)
    )


def _table(overview: Overview) -> Table:
    return _pairs(
        (
            ("STORE", overview.store),
            ("SCHEMA", overview.schema),
            ("CLUSTER ID", overview.cluster_id),
            ("REVISION", f"{overview.revision:,}"),
            ("COMPACTED", f"{overview.compacted:,}"),
            ("RESOURCES", f"{overview.resources:,}"),
            ("EVENTS", f"{overview.events:,}"),
            ("LEASES", f"{overview.leases:,}"),
            ("REPLIES", f"{overview.replies:,}"),
            *(("REPLICA", f"{one.id}, seen {one.unseen:.1f} s ago") for one in overview.replicas),
            *((("SWEEPER", overview.sweeper),) if overview.sweeper else ()),
        )
    )


def _pairs(rows: Iterable[tuple[str, str]]) -> Table:
    from airegistry.cli.tables import table

    shown = table(("", ""), rows)
    shown.show_header = False
    return shown
