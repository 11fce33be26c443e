"""`import`: catalogs from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli.failures import ExitCode, run
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from airegistry.cli.importing import Imported
    from airegistry.importers.report import Catalog

imports = typer.Typer(help="Load a catalog of models from elsewhere.", no_args_is_help=True)


@imports.command("genai-prices")
def genai_prices(
    context: typer.Context,
    *,
    report: Annotated[
        Path | None, typer.Option(help="Write everything that was skipped or renamed to this file, as JSON.")
    ] = None,
) -> None:
    """Load the price catalog of the genai-prices package: some 2,330 models of 47 providers.

    It can be repeated at any time. Nothing that somebody added is lost, and nothing is removed.
    """
    session = session_of(context)
    catalog = _read(session)
    imported = run(session, "registry", _import(session, catalog))
    if report is not None:
        _write_report(report, imported)
    if session.output is not Output.TABLE:
        session.write(_counts(imported))
        return
    _show(session, imported, report)


def _read(session: Session) -> Catalog:
    from airegistry.cli.progress import progress
    from airegistry.importers.genai_prices import read_catalog

    try:
        with progress(session, "Reading the catalog") as advance:
            return read_catalog(advance=advance)
    except ImportError as error:
        session.note("genai-prices is not installed: pip install 'airegistry[cli]'", style="red")
        raise typer.Exit(ExitCode.ERROR) from error


async def _import(session: Session, catalog: Catalog) -> Imported:
    from airegistry.cli.connecting import registry_client
    from airegistry.cli.importing import import_catalog
    from airegistry.cli.progress import progress

    async with registry_client(session) as client:
        with progress(session, "Registering") as advance:
            return await import_catalog(client, catalog, advance=advance)


def _counts(imported: Imported) -> dict[str, object]:
    from airegistry.importers.report import count_by_reason

    return {
        "source": imported.source,
        "created_count": imported.created_count,
        "updated_count": imported.updated_count,
        "unchanged_count": imported.unchanged_count,
        "revision": imported.revision,
        "notes": count_by_reason(imported.notes),
        "collisions": len(imported.collisions),
    }


def _show(session: Session, imported: Imported, report: Path | None) -> None:
    from airegistry.importers.report import count_by_reason

    session.console.print(
        f"{imported.source}: {imported.created_count:,} created, {imported.updated_count:,} updated, "
        f"{imported.unchanged_count:,} unchanged, revision {imported.revision}"
    )
    for reason, count in count_by_reason(imported.notes).items():
        session.note(f"  {count:,}: {reason}")
    if imported.collisions:
        session.note(
            f"  {len(imported.collisions):,}: the same id at several providers: each has its provider in front"
        )
    session.note(f"  all of them: {report}" if report is not None else "  --report FILE writes all of them")


def _write_report(path: Path, imported: Imported) -> None:
    from airegistry.manifests import plain

    try:
        path.write_text(json.dumps(plain(imported), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
