"""`discover`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli.failures import run
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from airegistry.client.messages import DiscoverRequest, DiscoverResponse


class Best(StrEnum):
    """The named meanings of "best"."""

    BALANCED = "balanced"
    CHEAPEST = "cheapest"
    FASTEST = "fastest"
    MOST_RELIABLE = "most-reliable"
    BEST_QUALITY = "best-quality"


def discover(
    context: typer.Context,
    *,
    task: Annotated[
        list[str] | None,
        typer.Option(help="What it does, such as text-generation. Several: each is answered, all from one revision."),
    ] = None,
    capability: Annotated[
        list[str] | None, typer.Option("--capability", "-c", help="What it must be able to do, such as tools.")
    ] = None,
    any_capability: Annotated[list[str] | None, typer.Option(help="One of these is enough.")] = None,
    max_price: Annotated[
        str | None, typer.Option(help="US dollars per million tokens, 3 of input to 1 of output.", metavar="USD")
    ] = None,
    max_latency: Annotated[
        str | None, typer.Option(help="The longest median time to the first token, such as 500ms.")
    ] = None,
    min_context: Annotated[str | None, typer.Option(help="The context it must take, such as 128k.")] = None,
    min_input: Annotated[str | None, typer.Option(help="The prompt that must fit, in tokens, such as 20k.")] = None,
    min_reliability: Annotated[
        float | None, typer.Option(min=0, max=1, help="The share of calls that succeed.")
    ] = None,
    provider: Annotated[list[str] | None, typer.Option(help="Who may serve it.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Where it may run.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Which models it may be.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", help="Only with this label.", metavar="KEY=VALUE")
    ] = None,
    expression: Annotated[
        str,
        typer.Option(
            "--filter",
            help="Only what this is true of, in CEL, such as 'model.family == \"gpt\"'.",
            metavar="EXPRESSION",
        ),
    ] = "",
    allow_unknown: Annotated[
        list[str] | None, typer.Option(help="A requirement that an unknown value satisfies; * for all.")
    ] = None,
    agents: Annotated[bool, typer.Option("--agents", help="Find agents instead of models.")] = False,
    skill: Annotated[list[str] | None, typer.Option(help="What an agent must be able to do.")] = None,
    any_credential: Annotated[
        bool, typer.Option("--any-credential", help="Also what cannot be invoked: no key is named for it.")
    ] = False,
    preference: Annotated[Best, typer.Option(help="What best means.")] = Best.BALANCED,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many candidates.")] = 10,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each part gave to a score, and whom the filters cut.")
    ] = False,
) -> None:
    """Find the best model or agent: filtered, ranked and explained."""
    from airegistry.cli.values import count, dollars, duration, labels, safe
    from airegistry.client.messages import DiscoverRequest
    from airegistry.resources.requirements import (
        CredentialRequirement,
        DiscoverQuery,
        DiscoverTarget,
        Preference,
        Requirements,
    )

    session = session_of(context)
    requirements = Requirements(
        all_capabilities=tuple(capability or ()),
        any_capabilities=tuple(any_capability or ()),
        max_price_per_million_nanos=dollars(max_price),
        max_time_to_first_token=duration(max_latency),
        min_context_tokens=count(min_context),
        min_input_tokens=count(min_input),
        min_reliability=min_reliability,
        providers=tuple(provider or ()),
        regions=tuple(region or ()),
        models=tuple(model or ()),
        labels=labels(label or ()),
        allow_unknown=tuple(allow_unknown or ()),
        skills=tuple(skill or ()),
        filter=expression,
        credential=CredentialRequirement.ANY if any_credential else None,
    )
    tasks = task or [""]
    asked = [
        DiscoverRequest(
            DiscoverQuery(
                target=DiscoverTarget.AGENT if agents else DiscoverTarget.ENDPOINT,
                requirements=replace(requirements, task=each),
                preference=Preference[preference.name],
            ),
            limit=limit,
            name_excluded=explain,
        )
        for each in tasks
    ]
    answers = run(session, "registry", _discover(session, asked))
    if session.output is not Output.TABLE:
        session.write(answers if len(answers) > 1 else answers[0])
        return
    for each, answer in zip(tasks, answers, strict=True):
        if len(answers) > 1:
            session.console.print(safe(each))
        _show(session, answer, explain=explain)


async def _discover(session: Session, asked: Sequence[DiscoverRequest]) -> Sequence[DiscoverResponse]:
    from airegistry.cli.connecting import registry_client

    async with registry_client(session) as client:
        if len(asked) > 1:
            return (await client.batch_discover(asked)).responses
        (one,) = asked
        return (await client.discover(one.query, limit=one.limit, name_excluded=one.name_excluded),)


def _show(session: Session, found: DiscoverResponse, *, explain: bool) -> None:
    from airegistry.cli.candidates import candidate_table, exclusion_lines
    from airegistry.cli.scores import figure_table, score_table

    if found.candidates:
        session.console.print(score_table(found) if explain else candidate_table(found))
    figures = figure_table(found, datetime.now(UTC)) if explain else None
    if figures is not None:
        session.console.print(figures)
    for line in exclusion_lines(found, named=explain):
        session.note(line)
