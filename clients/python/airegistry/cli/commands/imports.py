"""`import`: catalogs from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli.failures import run
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from airegistry.cli.importing import Imported
    from airegistry.importers.report import Catalog

imports = typer.Typer(
    help="Load a catalog of models from elsewhere. Each can be loaded again at any time: nothing that somebody added is "
    "lost, nothing is removed, and what another source says stays.",
    no_args_is_help=True,
)

Report = Annotated[
    Path | None,
    typer.Option(help="Write everything that was skipped, renamed or in conflict to this file, as JSON."),
]
Prevail = Annotated[
    bool, typer.Option("--prevail", help="Where another source says something else, take what this one says.")
]


@imports.command("genai-prices")
def genai_prices(context: typer.Context, *, report: Report = None, prevail: Prevail = False) -> None:
    """Load the price catalog of the genai-prices package: some 2,330 models of 47 providers."""
    from airegistry.cli.catalogs import genai_prices

    _load(session_of(context), genai_prices, report, prevail=prevail)


@imports.command("litellm")
def litellm(
    context: typer.Context,
    *,
    path: Annotated[
        Path | None,
        typer.Option(
            help="The file model_prices_and_context_window_backup.json. Default: that of the installed package."
        ),
    ] = None,
    report: Report = None,
    prevail: Prevail = False,
) -> None:
    """Load LiteLLM's price map: some 4,800 entries of 150 providers. Nothing is fetched, and LiteLLM is not run."""
    from airegistry.cli.catalogs import litellm

    _load(session_of(context), lambda session: litellm(session, path), report, prevail=prevail)


@imports.command("models-dev")
def models_dev(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file in the form of models.dev's api.json.")],
    *,
    report: Report = None,
    prevail: Prevail = False,
) -> None:
    """Load a file in the form of models.dev's api.json. Nothing is fetched."""
    from airegistry.cli.catalogs import models_dev

    _load(session_of(context), lambda session: models_dev(session, file), report, prevail=prevail)


def _load(session: Session, read: Callable[[Session], Catalog], report: Path | None, *, prevail: bool) -> None:
    catalog = read(session)
    imported = run(session, "registry", _import(session, catalog, prevail=prevail))
    if report is not None:
        _write_report(report, imported)
    if session.output is not Output.TABLE:
        session.write(_counts(imported))
        return
    _show(session, imported, report)


async def _import(session: Session, catalog: Catalog, *, prevail: bool) -> Imported:
    from airegistry.cli.connecting import registry_client
    from airegistry.cli.importing import import_catalog
    from airegistry.cli.progress import progress

    async with registry_client(session) as client:
        with progress(session, "Registering") as advance:
            return await import_catalog(client, catalog, advance=advance, prevail=prevail)


def _counts(imported: Imported) -> dict[str, object]:
    from airegistry.importers.report import count_by_reason

    return {
        "source": imported.source,
        "created_count": imported.created_count,
        "updated_count": imported.updated_count,
        "unchanged_count": imported.unchanged_count,
        "revision": imported.revision,
        "notes": count_by_reason(imported.notes),
        "conflicts": count_by_reason(imported.conflicts),
        "collisions": len(imported.collisions),
    }


def _show(session: Session, imported: Imported, report: Path | None) -> None:
    from airegistry.importers.report import count_by_reason

    session.console.print(
        f"{imported.source}: {imported.created_count:,} created, {imported.updated_count:,} updated, "
        f"{imported.unchanged_count:,} unchanged, revision {imported.revision}"
    )
    for reason, count in count_by_reason((*imported.conflicts, *imported.notes)).items():
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
