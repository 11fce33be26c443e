"""Decisions as arrays: a row for each in which there was a choice and whose outcome says something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from airegistry.learning.records import Considered, Decision

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rounds:
    """Choices in their order. Matrices have a row for each and a column for each place among its candidates."""

    decisions: tuple[Decision, ...]

    def __len__(self) -> int:
        return len(self.decisions)

    @cached_property
    def present(self) -> npt.NDArray[np.bool_]:
        """Which places have a candidate."""
        counts = np.array([len(decision.considered) for decision in self.decisions])
        return np.arange(counts.max(initial=1)) < counts[:, None]

    @cached_property
    def propensities(self) -> Floats:
        """How likely each candidate was; 0 where there is none."""
        return self._matrix([[one.propensity for one in each.considered] for each in self.decisions], 0.0)

    @cached_property
    def chosen(self) -> npt.NDArray[np.int64]:
        """The place that was chosen."""
        return np.array([decision.chosen for decision in self.decisions], dtype=np.int64)

    @cached_property
    def rewards(self) -> Floats:
        """What came of it."""
        return np.array([decision.reward or 0.0 for decision in self.decisions])

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody who was ever a candidate, in the order of names."""
        return tuple(sorted({one.name for decision in self.decisions for one in decision.considered}))

    def values(self, name: str) -> Floats:
        """Return a number that was known of each candidate; infinite where it was not."""
        rows = [[_known(one, name) for one in decision.considered] for decision in self.decisions]
        return self._matrix(rows, np.inf)

    def places(self, name: str) -> npt.NDArray[np.int64]:
        """Return the place of a candidate in each row, 0 where it is none: then the first is asked."""
        return np.array([_place(decision.considered, name) for decision in self.decisions], dtype=np.int64)

    def taken(self, matrix: Floats) -> Floats:
        """Return of each row the value at the chosen place."""
        return matrix[np.arange(len(self)), self.chosen]

    def _matrix(self, rows: Sequence[Sequence[float]], missing: float) -> Floats:
        matrix = np.full(self.present.shape, missing)
        for row, values in zip(matrix, rows, strict=True):
            row[: len(values)] = values
        return matrix


def rounds_of(decisions: Iterable[Decision]) -> Rounds:
    """Return the decisions that can be learned from: several candidates, and an outcome that says something."""
    return Rounds(tuple(each for each in decisions if len(each.considered) > 1 and each.reward is not None))


def _known(one: Considered, name: str) -> float:
    value = getattr(one, name)
    return np.inf if value is None else float(value)


def _place(considered: Sequence[Considered], name: str) -> int:
    return next((place for place, one in enumerate(considered) if one.name == name), 0)
