"""What a candidate is judged by."""

from __future__ import annotations

from typing import NamedTuple

from airegistry.discovery.evidence.measured import Measured, Told, Window
from airegistry.discovery.rows.claims import NO_CLAIMS, Claims


class Case(NamedTuple):
    """What is claimed and what was measured of a candidate, at a moment in microseconds since 1970."""

    claims: Claims = NO_CLAIMS
    measured: Measured | None = None
    at: int = 0

    @property
    def windows(self) -> list[Window]:
        """The windows that count at the moment, the shortest first."""
        return [] if self.measured is None else self.measured.at(self.at)

    @property
    def told(self) -> Told | None:
        """The load that was told and counts at the moment."""
        return None if self.measured is None else self.measured.told_at(self.at)


NO_CASE = Case()


def case_of(claims: Claims, measured: Measured | None, at: int) -> Case:
    """Return a case; without measurements the moment is none, and of the many of whom nothing is known it is the same object."""
    if measured is not None:
        return Case(claims, measured, at)
    return NO_CASE if claims is NO_CLAIMS else Case(claims)
