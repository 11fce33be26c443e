"""One query's requirements, asked of the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import and_, or_

import numpy as np
from numpy.typing import NDArray

from airegistry.discovery.checking import ALL_UNKNOWN
from airegistry.discovery.costs import Costs
from airegistry.discovery.facts import UNKNOWN, Flag, Number, Text
from airegistry.discovery.naming import NameTable
from airegistry.discovery.postings import Mask
from airegistry.discovery.rates import UNKNOWN_COST
from airegistry.discovery.table import Table
from airegistry.resources.requirements import Requirements, TokenMix


class Asking:
    """What a filter needs. Masks are lent, not given: nobody but the table writes to one.

    Everywhere, *requirement* is the name by which `allow_unknown` would let unknown values pass.
    """

    def __init__(
        self, requirements: Requirements, mix: TokenMix, *, table: Table, costs: Costs, models: NameTable
    ) -> None:
        self.requirements = requirements
        self.mix = mix
        self.texts = table.texts
        self._table = table
        self._nanos = costs.nanos
        self._models = models
        self._unknown_passes = frozenset(requirements.allow_unknown)

    def allows(self, requirement: str) -> bool:
        """Say whether an unknown value satisfies the requirement."""
        return bool(self._unknown_passes) and not self._unknown_passes.isdisjoint((requirement, ALL_UNKNOWN))

    def models_named(self, names: Iterable[str]) -> set[str]:
        """Return the full names of all models that answer to one of the names."""
        return {full for name in names for full in (name, *self._models.models_known_as(name))}

    def flag(self, flag: Flag) -> Mask:
        """Return a column of yes and no."""
        mask: Mask = self._table.flags[flag]
        return mask

    def numbers(self, column: Number) -> NDArray[np.float64]:
        """Return a column of numbers, NaN where it is unknown."""
        numbers: NDArray[np.float64] = self._table.numbers[column]
        return numbers

    def one_of(self, requirement: str, column: Text, values: Iterable[str]) -> Mask:
        """Return which rows have one of the values."""
        unknown = (UNKNOWN,) if self.allows(requirement) else ()
        return self.texts[column].any_of((*values, *unknown))

    def can(self, requirement: str, capability: str) -> Mask:
        """Return which rows have the capability."""
        known = self.texts[Text.CAPABILITY].mask(capability)
        return known | ~self.texts[Text.LACKING].mask(capability) if self.allows(requirement) else known

    def at_least(self, requirement: str, column: Number) -> Mask | None:
        """Return which rows reach the number asked for; None when none is."""
        least, numbers = getattr(self.requirements, requirement), self.numbers(column)
        if least is None:
            return None
        passed: Mask = ~(numbers < least) if self.allows(requirement) else numbers >= least
        return passed

    def at_most(self, requirement: str, numbers: NDArray[np.float64]) -> Mask | None:
        """Return which rows stay within the number asked for; None when none is."""
        most = getattr(self.requirements, requirement)
        if most is None:
            return None
        passed: Mask = ~(numbers > most) if self.allows(requirement) else numbers <= most
        return passed

    def costs_at_most(self, requirement: str, nanos: int) -> Mask:
        """Return which rows cost no more."""
        within = self._nanos <= min(nanos, UNKNOWN_COST - 1)
        return within | (self._nanos == UNKNOWN_COST) if self.allows(requirement) else within


def all_of(*masks: Mask | None) -> Mask | None:
    """Return which rows pass every mask that is there; None when none is."""
    there = [mask for mask in masks if mask is not None]
    return reduce(and_, there) if there else None


def any_of(masks: Iterable[Mask]) -> Mask:
    """Return which rows pass one of the masks; there must be one."""
    return reduce(or_, masks)
