"""`performance` and `stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli.failures import run
from airegistry.cli.session import Output, Session, session_of
from airegistry.cli.values import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from airegistry.cli.measurements import Measurement
    from airegistry.client import RegistryClient
    from airegistry.observations.performance import Performance
    from airegistry.resources.resource import Resource

_MOST = 1_000


def performance(
    context: typer.Context,
    *,
    names: Annotated[
        list[str],
        typer.Argument(
            help="Endpoints, agents, or models: all who serve them, such as models/gpt-4o.", metavar="NAME..."
        ),
    ],
) -> None:
    """Show how endpoints and agents do: what is declared of them, and what was measured, with its count and age."""
    session = session_of(context)
    measurements = run(session, "registry", _performance(session, names))

    def table() -> Table:
        from airegistry.cli.measurements import performance_table

        return performance_table(measurements)

    session.show(measurements, table)


def stats(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="An endpoint or an agent.", metavar="NAME")],
    period: Annotated[
        float | None,
        typer.Option(help="How far back, such as 6h or 7d. Default: a day.", parser=duration, metavar="TIME"),
    ] = None,
    step: Annotated[
        float | None,
        typer.Option(
            help="How long each window is: 1m, 5m, 30m, 1h or 1d. Default: as fits the period.",
            parser=duration,
            metavar="TIME",
        ),
    ] = None,
) -> None:
    """Show what was measured of one endpoint or agent over time."""
    session = session_of(context)
    found = run(session, "registry", _stats(session, name, period, step))
    if session.output is not Output.TABLE:
        session.write(found)
    elif found:
        from airegistry.cli.measurements import stats_table

        session.console.print(stats_table(found))
    else:
        session.note("nothing was measured; what was only just is in `airegistry performance`")


async def _performance(session: Session, names: Sequence[str]) -> list[Measurement]:
    from airegistry.cli.connecting import registry_client
    from airegistry.cli.measurements import Measurement

    async with registry_client(session) as client:
        resources = [resource for name in names for resource in await _who(client, name)]
        measured: list[Performance] = []
        for start in range(0, len(resources), _MOST):
            some = resources[start : start + _MOST]
            measured += (await client.get_performance(resource.name for resource in some)).performances
    return [
        Measurement(resource.name, resource.endpoint.declared if resource.endpoint is not None else None, known)
        for resource, known in zip(resources, measured, strict=True)
    ]


async def _who(client: RegistryClient, name: str) -> list[Resource]:
    resource = await client.get(name)
    if resource.model is None:
        return [resource]
    return [endpoint async for endpoint in client.list(f"{name}/endpoints")]


async def _stats(session: Session, name: str, period: float | None, step: float | None) -> tuple[Performance, ...]:
    from airegistry.cli.connecting import registry_client

    async with registry_client(session) as client:
        return await client.get_stats(name, period=period, step=step)
