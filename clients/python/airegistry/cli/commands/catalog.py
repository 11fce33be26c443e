"""`catalog`: what catalogs say of the same models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli.failures import ExitCode, run
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from rich.table import Table

    from airegistry.importers.comparing import Comparison, Difference
    from airegistry.resources.resource import Resource

catalog = typer.Typer(help="Compare catalogs of models.", no_args_is_help=True)

REGISTRY = "registry"


class Installed(StrEnum):
    """The catalogs that come with a package."""

    GENAI_PRICES = "genai-prices"
    LITELLM = "litellm"


@catalog.command("diff", epilog="Exit codes: 0 done, 4 different (with --exit-code), else as of every command.")
def diff(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files: LiteLLM's price map, or in the form of models.dev's api.json.")
    ] = None,
    *,
    source: Annotated[list[Installed] | None, typer.Option(help="The catalog of an installed package.")] = None,
    registry: Annotated[bool, typer.Option("--with-registry", help="What the registry holds now.")] = False,
    provider: Annotated[list[str] | None, typer.Option(help="Only models of this provider.")] = None,
    fact: Annotated[
        list[str] | None, typer.Option(help="Only facts that begin so, such as price, limits or capabilities.tools.")
    ] = None,
    inferred: Annotated[
        bool, typer.Option("--inferred", help="Also what was concluded from an id or a price, not stated.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="How many differences the table shows; 0: all.")] = 50,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 4 when there are differences.")] = False,
) -> None:
    """Show what sources state differently about the same model of the same provider.

    Two or more sources are needed: of --source, --with-registry and files. Prices are those in force now. A fact that only one
    source states is no difference.
    """
    session = session_of(context)
    catalogs = _read(session, source or (), files or (), registry=registry)
    comparison = _compare(catalogs, provider or (), tuple(fact or ("",)), inferred=inferred)
    if session.output is Output.TABLE:
        _show(session, comparison, limit)
    else:
        session.write(_plain(comparison))
    if exit_code and comparison.differences:
        raise typer.Exit(ExitCode.DIFFERENT)


def _read(
    session: Session, sources: Iterable[Installed], files: Iterable[Path], *, registry: bool
) -> Mapping[str, Iterable[Resource]]:
    """Return the resources of each source; two of one name are told apart by their files."""
    from airegistry.cli import catalogs

    read = {Installed.GENAI_PRICES: catalogs.genai_prices, Installed.LITELLM: catalogs.litellm}
    found: dict[str, Iterable[Resource]] = {}
    for source in dict.fromkeys(sources):
        told = read[source](session)
        found[told.source] = told.resources
    for path in dict.fromkeys(files):
        told = catalogs.of_file(session, path)
        found[f"{told.source} ({path})" if told.source in found else told.source] = told.resources
    if registry:
        found[REGISTRY] = run(session, REGISTRY, _held(session))
    if len(found) < 2:  # noqa: PLR2004 - a pair
        raise typer.BadParameter("name at least two sources: of --source, --with-registry and files")
    return found


async def _held(session: Session) -> list[Resource]:
    from airegistry.cli.connecting import registry_client
    from airegistry.cli.importing import known_resources

    async with registry_client(session) as client:
        return list((await known_resources(client)).values())


def _compare(
    catalogs: Mapping[str, Iterable[Resource]], providers: Iterable[str], facts: tuple[str, ...], *, inferred: bool
) -> Comparison:
    from dataclasses import replace
    from datetime import UTC, datetime

    from airegistry.importers.comparing import compare

    wanted = set(providers)
    comparison = compare(catalogs, datetime.now(UTC), inferred=inferred)
    differences = tuple(
        each
        for each in comparison.differences
        if each.fact.startswith(facts) and (not wanted or each.place.provider in wanted)
    )
    return replace(comparison, differences=differences)


def _show(session: Session, comparison: Comparison, limit: int) -> None:
    shown = comparison.differences[:limit] if limit else comparison.differences
    if shown:
        session.console.print(_table(list(comparison.models), shown))
    models = ", ".join(f"{count:,} of {source}" for source, count in comparison.models.items())
    session.note(f"models: {models}; {comparison.shared:,} in more than one, {comparison.compared:,} facts compared")
    for kind, count in comparison.count_by_fact().items():
        session.note(f"  {count:,}: {kind}")
    if len(shown) < len(comparison.differences):
        session.note(f"  {len(shown):,} of {len(comparison.differences):,} are shown; --limit 0 shows all")


def _table(sources: list[str], differences: Iterable[Difference]) -> Table:
    from airegistry.cli.tables import table

    rows = ([str(each.place), each.fact, *(each.values.get(source, "") for source in sources)] for each in differences)
    return table(("model", "fact", *sources), rows)


def _plain(comparison: Comparison) -> dict[str, object]:
    return {
        "models": dict(comparison.models),
        "shared_count": comparison.shared,
        "compared_count": comparison.compared,
        "counts": comparison.count_by_fact(),
        "differences": [
            {
                "provider": each.place.provider,
                "model": each.place.model,
                "region": each.place.region,
                "fact": each.fact,
                "values": dict(each.values),
            }
            for each in comparison.differences
        ],
    }
