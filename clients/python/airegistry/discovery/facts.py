"""One row of the index: what its columns hold of an endpoint or an agent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from airegistry.discovery.rates import Rates
from airegistry.discovery.values import Value
from airegistry.resources.endpoint import DataPolicy
from airegistry.resources.model import LifecycleStage
from airegistry.resources.resource import AgentState, Health, Liveness, ResourceStatus

UNKNOWN = ""
"""The value of a text column for a row of which it is not known."""

NO_NUMBER = float("nan")
"""The value of a number column for a row of which it is not known."""


class Text(IntEnum):
    """The columns of text; a row may have several values of one."""

    MODEL = 0
    TASK = 1
    CAPABILITY = 2
    LACKING = 3
    INPUT = 4
    OUTPUT = 5
    SKILL = 6
    REGION = 7
    PROVIDER = 8
    LABEL = 9
    DIALECT = 10
    QUANTIZATION = 11
    FAMILY = 12
    VERSION = 13
    STAGE = 14


class Number(IntEnum):
    """The columns of numbers."""

    CONTEXT_TOKENS = 0
    OUTPUT_TOKENS = 1
    TIME_TO_FIRST_TOKEN = 2
    TOKENS_PER_SECOND = 3
    RELIABILITY = 4
    RETENTION = 5


class Flag(IntEnum):
    """The columns of yes and no."""

    PRESENT = 0
    IN_USE = 1
    USABLE = 2
    SERVING = 3
    HEALTH_UNKNOWN = 4
    INVOCABLE = 5
    TAKES_TRAFFIC = 6
    TRAINS = 7
    NEVER_TRAINS = 8


@dataclass(frozen=True, slots=True)
class Facts:
    """One row. `values` are those of latency, reliability, quality and load; `until` is when to look again."""

    model: str
    texts: tuple[tuple[Text, str], ...]
    numbers: tuple[float, ...]
    flags: tuple[bool, ...]
    rates: Rates
    values: tuple[Value, Value, Value, Value]
    until: datetime | None


def texts_of(column: Text, values: Iterable[str]) -> list[tuple[Text, str]]:
    """Return the values of a column; without any, it is unknown."""
    return [(column, value) for value in values] or [(column, UNKNOWN)]


def label_text(key: str, value: str) -> str:
    """Return a label as the column of labels holds it; no key contains `=`."""
    return f"{key}={value}"


def number(value: float | None) -> float:
    """Return a number as its column holds it."""
    return NO_NUMBER if value is None else value


def retention_of(policy: DataPolicy | None) -> float:
    """Return for how many seconds data are kept, as the column holds it."""
    return number(policy.retention if policy else None)


def flags_of(
    status: ResourceStatus | None,
    policy: DataPolicy | None,
    stage: LifecycleStage,
    *,
    invocable: bool,
    takes_traffic: bool,
) -> tuple[bool, ...]:
    """Return the flags in the order of `Flag`."""
    usable, serving, unknown = _health(status or ResourceStatus())
    trains = policy.trains_on_data if policy else None
    return (
        True,
        stage <= LifecycleStage.ACTIVE,
        usable,
        serving,
        unknown,
        invocable,
        takes_traffic,
        trains is True,
        trains is False,
    )


def _health(status: ResourceStatus) -> tuple[bool, bool, bool]:
    """Say whether it is usable, known to serve, and usable with nothing known of its health."""
    usable = (
        status.health not in (Health.NOT_SERVING, Health.DRAINING)
        and status.liveness is not Liveness.SUSPECT
        and status.agent_state is not AgentState.DRAINING
    )
    if status.health is None:
        known = status.agent_state is AgentState.AVAILABLE
        return usable, usable and known, usable and not known
    return usable, usable and status.health is Health.SERVING, False
