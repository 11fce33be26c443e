"""What one mix of tokens costs in every row, kept in step with a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.rates import UNKNOWN_COST, Nanos, costs_of, total_tokens
from airegistry.discovery.table import Table
from airegistry.discovery.values import COST_PRIOR, HALF_PRICE
from airegistry.resources.requirements import TokenMix

_MILLION = 1_000_000


class Costs:
    """`nanos` are what the mix costs (UNKNOWN_COST where it is unknown), `values` how good that is, in [0, 1]."""

    def __init__(self, table: Table, mix: TokenMix) -> None:
        self._table = table
        self._mix = mix
        self._total_input = mix.input_tokens + mix.cache_read_tokens
        self._total = total_tokens(mix)
        self._compute()

    def catch_up(self) -> None:
        """Take in what changed in the table."""
        rows = self._table.journal.since(self._seen)
        if rows is None:
            self._compute()
        elif rows:
            self._update(np.array(rows))

    def _compute(self) -> None:
        self.nanos: Nanos = costs_of(self._mix, self._table.rates.plane(self._total_input))
        self.values = self._valued(self.nanos)
        self._seen = self._table.journal.position

    def _update(self, rows: NDArray[np.intp]) -> None:
        self.nanos[rows] = costs_of(self._mix, self._table.rates.plane(self._total_input)[:, rows])
        self.values[rows] = self._valued(self.nanos[rows])
        self._seen = self._table.journal.position

    def _valued(self, nanos: Nanos) -> NDArray[np.float64]:
        per_million = nanos * (_MILLION / self._total)
        values: NDArray[np.float64] = 1 / (1 + per_million / HALF_PRICE)
        values[nanos == UNKNOWN_COST] = COST_PRIOR
        return values
