"""`discover`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli import options
from airegistry.cli.failures import run
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from airegistry.client.messages import DiscoverRequest, DiscoverResponse


def discover(
    context: typer.Context,
    *,
    task: options.Tasks = None,
    capability: options.Capabilities = None,
    any_capability: options.AnyCapabilities = None,
    takes: options.Takes = None,
    gives: options.Gives = None,
    min_context: options.MinContext = None,
    min_input: options.MinInput = None,
    min_output: options.MinOutput = None,
    max_price: options.MaxPrice = None,
    max_cost: options.MaxCost = None,
    usage: options.Usage = None,
    max_latency: options.MaxLatency = None,
    max_duration: options.MaxDuration = None,
    min_speed: options.MinSpeed = None,
    min_reliability: options.MinReliability = None,
    provider: options.Providers = None,
    not_provider: options.ExcludedProviders = None,
    region: options.Regions = None,
    model: options.Models = None,
    family: options.Families = None,
    model_version: options.Version = "",
    quantization: options.Quantizations = None,
    dialect: options.Dialects = None,
    label: options.Labels = None,
    no_training: options.NoTraining = False,
    max_retention: options.MaxRetention = None,
    stage: options.Stages = None,
    health: options.Health = None,
    any_credential: options.AnyCredential = False,
    expression: options.Expression = "",
    allow_unknown: options.AllowUnknown = None,
    agents: Annotated[bool, typer.Option("--agents", help="Find agents instead of models.")] = False,
    skill: options.Skills = None,
    prefer: options.Prefer = None,
    weight: options.Weights = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many candidates.")] = 10,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what each part gave to a score, and whom the filters cut.")
    ] = False,
) -> None:
    """Find the best model or agent: filtered, ranked and explained."""
    from airegistry.cli.values import labels, safe, weights
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
        input_modalities=tuple(takes or ()),
        output_modalities=tuple(gives or ()),
        min_context_tokens=min_context,
        min_output_tokens=min_output,
        min_input_tokens=min_input,
        max_cost_nanos=max_cost,
        max_price_per_million_nanos=max_price,
        usage=usage,
        max_time_to_first_token=max_latency,
        max_duration=max_duration,
        min_tokens_per_second=min_speed,
        min_reliability=min_reliability,
        regions=tuple(region or ()),
        providers=tuple(provider or ()),
        excluded_providers=tuple(not_provider or ()),
        models=tuple(model or ()),
        labels=labels(label or ()),
        no_training=no_training or None,
        max_retention=max_retention,
        lifecycle_stages=tuple(stage or ()),
        health=health,
        credential=CredentialRequirement.ANY if any_credential else None,
        quantizations=tuple(quantization or ()),
        dialects=tuple(dialect or ()),
        families=tuple(family or ()),
        version=model_version,
        skills=tuple(skill or ()),
        filter=expression,
        allow_unknown=tuple(allow_unknown or ()),
    )
    if weight and prefer is not None:
        raise typer.BadParameter("--weight and --prefer say the same in two ways; give one of them")
    query = DiscoverQuery(
        target=DiscoverTarget.AGENT if agents else DiscoverTarget.ENDPOINT,
        requirements=requirements,
        preference=None if prefer is None else Preference[prefer.name],
        weights=weights(weight or ()),
    )
    tasks = task or [""]
    asked = [
        DiscoverRequest(
            replace(query, requirements=replace(requirements, task=each)), limit=limit, name_excluded=explain
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
        with options.options_named():
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
