"""What one mix of tokens costs in every row, exactly, kept in step with a table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.columns.masks import Mask
from airegistry.discovery.columns.table import Table
from airegistry.discovery.rows.values import COST_PRIOR, HALF_PRICE
from airegistry.resources.requirements import TokenMix

_MILLION = 1_000_000
_MOST = 2**63 - 1

_UNKNOWN = 2**63 - 1
"""Stands for a cost that is not known: more than any, so that no limit is met. Where 64 bits are too few, infinity does."""

_SINGLY = 8
"""So few rows are computed one by one, which takes less than to prepare doing it at once."""


class Costs:
    """Costs are kept in millionths of a nano-USD, what a price times a count of tokens gives: whole numbers."""

    def __init__(self, table: Table, mix: TokenMix) -> None:
        self._table = table
        self._counts = (mix.input_tokens, mix.output_tokens, mix.cache_read_tokens)
        self._total_input = mix.input_tokens + mix.cache_read_tokens
        self._total = sum(self._counts)
        self._seen = 0
        self._compute()

    def catch_up(self) -> None:
        """Take in which prices changed in the table; a row that changed costs that row."""
        rates = self._table.rates
        rows = rates.journal.since(self._seen)
        if rows is None or len(self._known) != len(rates.task) or self._wide != self._needs_more_bits():
            self._compute()
        elif rows:
            self._write(rows)
            self._seen = rates.journal.position

    def nanos(self, row: int) -> int | None:
        """Return what the mix costs in nano-USD, rounded half to even as settled costs are; None when unknown.

        At most what the wire can hold: 2**63 - 1, nine billion dollars.
        """
        if not self._known[row]:
            return None
        whole, rest = divmod(int(self._exact[row]), _MILLION)
        return min(whole + (rest * 2 > _MILLION or (rest * 2 == _MILLION and whole % 2 == 1)), _MOST)

    def at_most(self, nanos: int) -> Mask:
        """Return the rows with a known cost that is, rounded, no more than that."""
        return self._within(nanos * _MILLION + _MILLION // 2 - nanos % 2)

    def average_at_most(self, nanos: int) -> Mask:
        """Return the rows with a known cost of no more than that per 1,000,000 tokens of the mix."""
        return self._within(nanos * self._total)

    @property
    def unknown(self) -> Mask:
        """The rows whose cost is not known, and those not taken."""
        return ~self._known

    def values(self, rows: NDArray[np.intp] | slice) -> NDArray[np.float64]:
        """Return how good the cost of some rows is, in [0, 1]: half at HALF_PRICE."""
        values: NDArray[np.float64] = 1 / (1 + self._exact[rows].astype(np.float64) / (self._total * HALF_PRICE))
        values[~self._known[rows]] = COST_PRIOR
        return values

    def value(self, row: int) -> float:
        """Return what `values` has for one row."""
        return 1 / (1 + float(self._exact[row]) / (self._total * HALF_PRICE)) if self._known[row] else COST_PRIOR

    def _within(self, millionths: int) -> Mask:
        exact = self._exact
        within: Mask = exact <= (millionths if exact.dtype == object else min(millionths, _UNKNOWN - 1))
        return within

    def _compute(self) -> None:
        self._wide = self._needs_more_bits()
        self._exact, self._known = self._costs(slice(None))
        self._seen = self._table.rates.journal.position

    def _write(self, rows: list[int]) -> None:
        if len(rows) > _SINGLY:
            changed = np.array(rows)
            self._exact[changed], self._known[changed] = self._costs(changed)
            return
        plane = self._table.rates.plane(self._total_input)
        for row in rows:
            exact, known = int(self._table.rates.task[row]) * _MILLION, True
            for count, nanos, told in zip(
                self._counts, plane.nanos[:, row].tolist(), plane.known[:, row].tolist(), strict=True
            ):
                if count:
                    exact += nanos * count
                    known &= told
            self._exact[row], self._known[row] = exact if known else self._more_than_any, known

    def _needs_more_bits(self) -> bool:
        """Say whether 64 bits may be too few, which no real price comes near; Python's integers are slower but right."""
        return self._table.rates.highest * (self._total + _MILLION) >= _UNKNOWN

    @property
    def _more_than_any(self) -> float:
        return math.inf if self._wide else _UNKNOWN

    def _costs(self, rows: NDArray[np.intp] | slice) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return what the mix costs in some rows, more than any where it is unknown, and where it is known."""
        plane = self._table.rates.plane(self._total_input)
        nanos, task = plane.nanos[:, rows], self._table.rates.task[rows]
        known = np.ones(len(task), np.bool_)
        if self._wide:
            nanos, task = nanos.astype(object), task.astype(object)
        exact = task * _MILLION
        for kind, count in enumerate(self._counts):
            if count:
                exact += nanos[kind] * count
                known &= plane.known[kind, rows]
        exact[~known] = self._more_than_any
        return exact, known
