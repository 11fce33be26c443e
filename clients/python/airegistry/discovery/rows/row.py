"""One row of the index: what its columns hold of an endpoint or an agent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache

from airegistry.discovery.rows.claims import Claims
from airegistry.discovery.rows.rates import Rates
from airegistry.discovery.rows.values import Value
from airegistry.resources.endpoint import DataPolicy
from airegistry.resources.model import LifecycleStage
from airegistry.resources.resource import AgentState, Health, Liveness, ResourceStatus

UNKNOWN = ""
"""The text of a mark for what is not known."""

YES = ""
"""The text of a mark that needs none."""

_NO_STATUS = ResourceStatus()

NO_NUMBER = float("nan")
"""A number that is not known."""


class Mark(IntEnum):
    """Kinds of marks. A row has any number of a kind; from IN_USE on, it has the mark or it has not."""

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
    IN_USE = 15
    USABLE = 16
    SERVING = 17
    HEALTH_UNKNOWN = 18
    INVOCABLE = 19
    TAKES_TRAFFIC = 20
    TRAINS = 21
    NEVER_TRAINS = 22


class Number(IntEnum):
    """The columns of numbers; from TIME_TO_FIRST_TOKEN on, they may be measured."""

    CONTEXT_TOKENS = 0
    OUTPUT_TOKENS = 1
    INPUT_TOKENS = 2
    RETENTION = 3
    TIME_TO_FIRST_TOKEN = 4
    TOKENS_PER_SECOND = 5
    RELIABILITY = 6
    DURATION = 7


Marks = frozenset[tuple[Mark, str]]


@dataclass(frozen=True, slots=True)
class Facts:
    """One row, but for what measurements may change: that is judged by the `claims`. `numbers` are the first ones of `Number`.

    `until` is when to look again.
    """

    model: str
    marks: Marks
    numbers: tuple[float, ...]
    rates: Rates
    quality: Value
    claims: Claims
    until: datetime | None


def marks_of(kind: Mark, texts: Iterable[str]) -> list[tuple[Mark, str]]:
    """Return a mark for each text; without any, it is not known."""
    return [(kind, text) for text in texts] or [(kind, UNKNOWN)]


def label_marks(labels: Mapping[str, str]) -> Iterator[tuple[Mark, str]]:
    """Yield a mark for each label."""
    for key, value in labels.items():
        yield Mark.LABEL, label_text(key, value)


def label_text(key: str, value: str) -> str:
    """Return a label as the text of its mark; no key contains `=`."""
    return f"{key}={value}"


def stage_marks(stage: LifecycleStage) -> Iterator[tuple[Mark, str]]:
    """Yield the marks of a stage of life."""
    yield Mark.STAGE, stage.name
    if stage <= LifecycleStage.ACTIVE:
        yield Mark.IN_USE, YES


def data_marks(policy: DataPolicy | None) -> Iterator[tuple[Mark, str]]:
    """Yield whether data are trained on, where that is known."""
    if policy is not None and policy.trains_on_data is not None:
        yield (Mark.TRAINS if policy.trains_on_data else Mark.NEVER_TRAINS), YES


def health_marks(status: ResourceStatus | None) -> tuple[tuple[Mark, str], ...]:
    """Return whether it is usable, and if so whether it is known to serve."""
    known = status or _NO_STATUS
    return _health_marks(known.health, known.liveness, known.agent_state)


@lru_cache(maxsize=256)
def _health_marks(
    health: Health | None, liveness: Liveness | None, state: AgentState | None
) -> tuple[tuple[Mark, str], ...]:
    if health in (Health.NOT_SERVING, Health.DRAINING) or liveness is Liveness.SUSPECT or state is AgentState.DRAINING:
        return ()
    usable = ((Mark.USABLE, YES),)
    if health is Health.SERVING or (health is None and state is AgentState.AVAILABLE):
        return (*usable, (Mark.SERVING, YES))
    return (*usable, (Mark.HEALTH_UNKNOWN, YES)) if health is None else usable


def number(value: float | None) -> float:
    """Return a number as its column holds it."""
    return NO_NUMBER if value is None else value


@lru_cache(maxsize=4096)
def limit_numbers(context: int | None, output: int | None, prompt: int | None) -> tuple[float, float, float]:
    """Return limits of tokens as their columns hold them."""
    # A prompt has to fit into the context, too; of the two, one may be all that is known.
    fits = min((limit for limit in (context, prompt) if limit is not None), default=None)
    return number(context), number(output), number(fits)


def retention_of(policy: DataPolicy | None) -> float:
    """Return for how many seconds data are kept, as the column holds it."""
    return number(policy.retention if policy else None)
