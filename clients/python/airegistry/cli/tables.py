"""Resources as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airegistry.cli.values import number, price, safe
from airegistry.resources.endpoint import AuthMethod, Endpoint
from airegistry.resources.prices import Price, PriceBucket, PriceList
from airegistry.resources.pricing import in_force
from airegistry.resources.resource import Resource, ResourceKind, ResourceStatus

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN_TARGETS = 3


def table(columns: Iterable[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> Table:
    """Return a table of texts, the columns *right* aligned to the right; nothing in it can steer the terminal."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    numeric = set(right)
    for column in columns:
        shown.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(safe(cell), style=_style(cell)) for cell in row))
    return shown


def resource_table(kind: ResourceKind, resources: Iterable[Resource]) -> Table:
    """Return the table of resources of one kind."""
    columns, right, row = _TABLES[kind]
    return table(columns, (row(resource) for resource in resources), right=right)


def state(status: ResourceStatus | None) -> str:
    """Return what the plane knows of a resource, in words; empty when it knows nothing."""
    known = (status.liveness, status.health, status.agent_state) if status is not None else ()
    return " ".join(value.name.lower() for value in known if value is not None)


def prices_per_unit(prices: PriceList | None) -> tuple[int | None, int | None]:
    """Return what input and output tokens cost now for small standard calls, in nano-USD per million."""
    if prices is None:
        return None, None
    current = in_force(prices, datetime.now(UTC))
    unknown = Price()
    return (
        current.get(PriceBucket.INPUT_TOKENS, unknown).nanos,
        current.get(PriceBucket.OUTPUT_TOKENS, unknown).nanos,
    )


def credential(endpoint: Endpoint) -> str:
    """Return the name of an endpoint's credential, or that it needs or lacks one."""
    auth = endpoint.communication.auth if endpoint.communication is not None else None
    if endpoint.credential:
        return endpoint.credential
    return "not needed" if auth is not None and auth.method is AuthMethod.NONE else "none"


def _style(cell: str) -> str:
    return {"?": "dim", "none": "dim", "serving": "green", "not_serving": "red", "suspect": "yellow"}.get(cell, "")


def _model(resource: Resource) -> Sequence[str]:
    model = resource.model
    if model is None:
        return (resource.name,)
    context = model.limits.context_tokens if model.limits is not None else None
    stage = model.lifecycle.stage if model.lifecycle is not None else None
    return (
        resource.name,
        model.publisher or "?",
        ", ".join(model.tasks) or "?",
        number(context),
        "" if stage is None else stage.name.lower(),
    )


def _endpoint(resource: Resource) -> Sequence[str]:
    endpoint = resource.endpoint
    if endpoint is None:
        return (resource.name,)
    asked, given = prices_per_unit(endpoint.prices)
    return (
        resource.name,
        endpoint.address or "?",
        credential(endpoint),
        price(asked),
        price(given),
        state(resource.status),
    )


def _agent(resource: Resource) -> Sequence[str]:
    agent = resource.agent
    if agent is None:
        return (resource.name,)
    return resource.name, agent.version or "?", ", ".join(skill.id for skill in agent.skills), state(resource.status)


def _route(resource: Resource) -> Sequence[str]:
    route = resource.route
    if route is None:
        return (resource.name,)
    targets = [
        target.model or target.endpoint or target.agent or "(query)" for tier in route.tiers for target in tier.targets
    ]
    more = f" and {len(targets) - _SHOWN_TARGETS} more" if len(targets) > _SHOWN_TARGETS else ""
    return resource.name, ", ".join(route.aliases), ", ".join(targets[:_SHOWN_TARGETS]) + more


_Row = Callable[[Resource], Sequence[str]]
_TABLES: dict[ResourceKind, tuple[Sequence[str], Sequence[str], _Row]] = {
    ResourceKind.MODEL: (("NAME", "PUBLISHER", "TASKS", "CONTEXT", "STAGE"), ("CONTEXT",), _model),
    ResourceKind.ENDPOINT: (
        ("NAME", "ADDRESS", "CREDENTIAL", "$/M IN", "$/M OUT", "STATE"),
        ("$/M IN", "$/M OUT"),
        _endpoint,
    ),
    ResourceKind.AGENT: (("NAME", "VERSION", "SKILLS", "STATE"), (), _agent),
    ResourceKind.ROUTE: (("NAME", "ALIASES", "TARGETS"), (), _route),
}
