"""From single observations, in columns, to counters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from airegistry.invocations.invocation import AttemptOutcome
from registry.observations import codes
from registry.observations.codes import Floats, Ints
from registry.observations.delta import SLOT, Delta, Target, delta_of

Bools: TypeAlias = NDArray[np.bool_]
UNKNOWN = -1
"""A count or a cost that nobody knows. Times that nobody measured are NaN."""
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Columns:
    """Observations, one place each. `target` is a number, `time` in microseconds since 1970, the rest as on the wire."""

    target: Ints
    time: Ints
    outcome: Ints
    error_class: Ints
    duration: Floats
    first_token: Floats
    tokens: Ints
    output_tokens: Ints
    cost: Ints

    def __len__(self) -> int:
        return len(self.target)

    def only(self, which: Bools) -> Columns:
        """Return some of them."""
        return Columns(*(getattr(self, field.name)[which] for field in fields(self)))

    def at(self, places: Ints) -> Columns:
        """Return them with other numbers of their targets."""
        return replace(self, target=places)


def tallied(columns: Columns, targets: Sequence[Target]) -> Delta:
    """Return what *columns* add up to; their targets are places in *targets*, and every one of those occurs."""
    slots = columns.time // (SLOT * _MICROS)
    parts = [
        (slots[which], (columns.target[which] << codes.CODE_BITS) | code, count)
        for which, code, count in _counters(columns)
    ]
    last = np.zeros(len(targets), np.int64)
    np.maximum.at(last, columns.target, columns.time)
    joined = [np.concatenate([part[place] for part in parts]) for place in range(3)]
    return delta_of(targets, last.tolist(), *joined)


def _counters(columns: Columns) -> Iterator[tuple[Bools, Ints | int, Ints]]:
    """Yield which observations count, in which counter each, and how much."""
    ok = columns.outcome == AttemptOutcome.OK
    failed = columns.outcome == AttemptOutcome.ERROR
    yield _one_each(ok | failed, codes.ATTEMPTS)
    yield _one_each(~(ok | failed), codes.CANCELED)
    yield _one_each(failed, codes.ERRORS + columns.error_class[failed])
    known = columns.tokens != UNKNOWN
    yield known, codes.TOKENS, columns.tokens[known]
    costed = columns.cost != UNKNOWN
    yield _one_each(costed, codes.COSTED)
    yield costed, codes.COST_LOW, columns.cost[costed] & ((1 << codes.COST_SHIFT) - 1)
    yield costed, codes.COST_HIGH, columns.cost[costed] >> codes.COST_SHIFT
    # A first token was seen, whatever came after it.
    streamed = ~np.isnan(columns.first_token)
    yield _one_each(streamed, codes.FIRST_TOKEN + codes.bins_of(columns.first_token[streamed]))
    whole = ok & ~np.isnan(columns.duration)
    yield _one_each(whole, codes.DURATION + codes.bins_of(columns.duration[whole]))
    yield _speeds(columns, whole & streamed)


def _speeds(columns: Columns, which: Bools) -> tuple[Bools, Ints | int, Ints]:
    """Return the tokens per second after the first token, where there were any."""
    after = columns.duration - columns.first_token
    some = which & (after > 0) & (columns.output_tokens > 1)
    return _one_each(some, codes.SPEED + codes.bins_of((columns.output_tokens[some] - 1) / after[some]))


def _one_each(which: Bools, code: Ints | int) -> tuple[Bools, Ints | int, Ints]:
    return which, code, np.ones(int(np.count_nonzero(which)), np.int64)
