"""One query's requirements, asked of the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.columns.masks import Mask
from airegistry.discovery.columns.table import Table
from airegistry.discovery.costs import Costs
from airegistry.discovery.naming import NameTable
from airegistry.discovery.rows.row import UNKNOWN, YES, Mark, Number
from airegistry.discovery.satisfying import Satisfying
from airegistry.resources.requirements import Requirements, TokenMix
from airegistry.resources.validation.query import ALL_UNKNOWN


class Asking:
    """What a filter needs.

    Everywhere, *requirement* is the name by which `allow_unknown` would let unknown values pass. `left` are the rows that
    no filter has cut yet; whoever applies the filters moves it on. One of the dialects `spoken` is needed, if there are any.
    """

    def __init__(
        self,
        requirements: Requirements,
        mix: TokenMix,
        *,
        table: Table,
        costs: Costs,
        models: NameTable,
        satisfying: Satisfying | None,
    ) -> None:
        self.left = table.present
        self.requirements = requirements
        self.mix = mix
        self.costs = costs
        self.marked = table.marks.rows
        self._table = table
        self._models = models
        self.spoken: tuple[str, ...] = ()
        self.satisfying = satisfying
        self._unknown_passes = requirements.allow_unknown

    def allows(self, requirement: str) -> bool:
        """Say whether an unknown value satisfies the requirement."""
        passes = self._unknown_passes
        return bool(passes) and (requirement in passes or ALL_UNKNOWN in passes)

    def flagged(self, mark: Mark) -> Mask:
        """Return the rows with a mark that needs no text."""
        return self.marked(mark, YES)

    def known(self, mark: Mark) -> Iterable[str]:
        """Return the texts that any row has of a kind of mark, but for the unknown one."""
        return (text for text in self._table.marks.texts(mark) if text != UNKNOWN)

    def numbers(self, column: Number) -> NDArray[np.float64]:
        """Return a column of numbers, NaN where it is unknown."""
        numbers: NDArray[np.float64] = self._table.numbers[column]
        return numbers

    def models_named(self, names: Iterable[str]) -> set[str]:
        """Return the full names of all models that answer to one of the names."""
        return {full for name in names for full in (name, *self._models.models_known_as(name))}

    def one_of(self, requirement: str, kind: Mark, texts: Iterable[str]) -> Mask:
        """Return the rows with one of the marks."""
        marked = self.any_of([self.marked(kind, text) for text in texts])
        return marked | self.marked(kind, UNKNOWN) if self.allows(requirement) else marked

    def can(self, requirement: str, capability: str) -> Mask:
        """Return the rows with a capability."""
        known = self.marked(Mark.CAPABILITY, capability)
        return known | ~self.marked(Mark.LACKING, capability) if self.allows(requirement) else known

    def at_least(self, requirement: str, column: Number) -> Mask | None:
        """Return the rows that reach the number asked for; None when none is."""
        least = getattr(self.requirements, requirement)
        if least is None:
            return None
        numbers = self.numbers(column)
        passed: Mask = ~(numbers < least) if self.allows(requirement) else numbers >= least
        return passed

    def at_most(self, requirement: str, numbers: NDArray[np.float64]) -> Mask | None:
        """Return the rows that stay within the number asked for; None when none is."""
        most = getattr(self.requirements, requirement)
        if most is None:
            return None
        passed: Mask = ~(numbers > most) if self.allows(requirement) else numbers <= most
        return passed

    def satisfied(self) -> Mask | None:
        """Return which of the rows that are left satisfy the filter expression; None when there is none."""
        return None if self.satisfying is None else self.satisfying.among(self.left)

    def any_of(self, sets: Iterable[Mask]) -> Mask:
        """Return the rows in one of the sets."""
        found = None
        for rows in sets:
            found = rows if found is None else found | rows
        return self._table.marks.nobody if found is None else found

    def or_unknown_cost(self, requirement: str, rows: Mask) -> Mask:
        """Return the rows, with those whose cost is unknown where that is allowed."""
        return rows | self.costs.unknown if self.allows(requirement) else rows


def all_of(*sets: Mask | None) -> Mask | None:
    """Return the rows in every set that is there; None when none is."""
    found = None
    for rows in sets:
        if rows is not None:
            found = rows if found is None else found & rows
    return found
