"""`models compare`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from airegistry.cli import options
from airegistry.cli.failures import run
from airegistry.cli.session import Session, session_of

if TYPE_CHECKING:
    from rich.table import Table

    from airegistry.cli.facts import Fact
    from airegistry.cli.subjects import Subjects
    from airegistry.resources.requirements import Preference, TokenMix

_MOST = 20
_MARKS = {True: "≠", False: "", None: "?"}

models = typer.Typer(help="Look at models beside each other.", no_args_is_help=True)


@models.callback()
def _group() -> None:
    """Keep `compare` a command of its own: with only one, typer would hide its name."""


@models.command()
def compare(
    context: typer.Context,
    *,
    names: Annotated[
        list[str],
        typer.Argument(
            help="Two or more: models by id, alias, original id or provider/original-id, seen through their best endpoints; "
            "or endpoints, such as models/gpt-4o/endpoints/openai.",
            metavar="NAME NAME...",
        ),
    ],
    prefer: options.Prefer = None,
    usage: options.Usage = None,
    differences: Annotated[bool, typer.Option("--differences", help="Only what differs, or may.")] = False,
) -> None:
    """Compare models or endpoints: prices, limits, what they can do, what was measured, and their scores."""
    from airegistry.cli.facts import facts_of
    from airegistry.resources.requirements import Preference

    session = session_of(context)
    if len(names) < 2 or len(names) > _MOST:  # noqa: PLR2004 - a pair
        raise typer.BadParameter(f"name two to {_MOST} models or endpoints to compare", param_hint="NAME")
    if len(set(names)) < len(names):
        raise typer.BadParameter("one of them is named twice", param_hint="NAME")
    preference = Preference.BALANCED if prefer is None else Preference[prefer.name]
    subjects = run(session, "registry", _find(session, names, preference, usage))
    now = datetime.now(UTC)
    facts = [fact for fact in facts_of(subjects, now) if fact.may_differ or not differences]
    session.show(_plain(subjects, facts), lambda: _table(subjects, facts, now))
    for each in subjects.each:
        if each.other_endpoints and each.endpoint is not None:
            many = "endpoint" if each.other_endpoints == 1 else "endpoints"
            session.note(f"{each.asked} has {each.other_endpoints} more {many} than {each.endpoint.name}")


async def _find(session: Session, names: Sequence[str], preference: Preference, usage: TokenMix | None) -> Subjects:
    from airegistry.cli.connecting import registry_client
    from airegistry.cli.subjects import find_subjects

    async with registry_client(session) as client:
        return await find_subjects(client, names, preference, usage)


def _table(subjects: Subjects, facts: Sequence[Fact], now: datetime) -> Table:
    """Return a column for each, what differs in bold behind a ≠, and ? where one is not known."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from airegistry.cli.facts import shown
    from airegistry.cli.values import safe

    caption = "≠ differs; ? cannot be told, as not all of it is known"
    drawn = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, caption=caption, caption_justify="left")
    for heading in ("", "", *(_heading(subjects, place) for place in range(len(subjects.each)))):
        drawn.add_column(Text(safe(heading)), overflow="fold")
    group = ""
    for fact in facts:
        if fact.group != group:
            group = fact.group
            drawn.add_row("", Text(group.upper(), style="bold"))
        style = "bold" if fact.differs else ""
        cells = [Text(safe(shown(value, now)), style="dim" if value is None else style) for value in fact.values]
        drawn.add_row(Text(_MARKS[fact.differs], style="yellow"), fact.name, *cells)
    return drawn


def _heading(subjects: Subjects, place: int) -> str:
    each = subjects.each[place]
    return each.endpoint.name if each.endpoint is not None else f"{each.model.name} (nobody serves it)"


def _plain(subjects: Subjects, facts: Sequence[Fact]) -> dict[str, Any]:
    return {
        "revision": subjects.revision,
        "preference": subjects.preference,
        "compared": [
            {
                "name": each.asked,
                "model": each.model.name,
                "endpoint": None if each.endpoint is None else each.endpoint.name,
                "other_endpoints": each.other_endpoints,
            }
            for each in subjects.each
        ],
        "facts": [
            {"group": fact.group, "name": fact.name, "values": list(fact.values), "differs": fact.differs}
            for fact in facts
        ],
    }
