"""How good the rows of a table are by what was measured of them: found out when somebody wants to know."""

from __future__ import annotations

from airegistry.discovery.alarms import Alarms
from airegistry.discovery.columns.masks import Mask
from airegistry.discovery.columns.table import Table
from airegistry.discovery.evidence.case import case_of
from airegistry.discovery.evidence.judging import judge
from airegistry.discovery.evidence.measured import Measured
from airegistry.discovery.rows.row import Facts

_MOST_WAITING = 64
"""Every query looks whether it wants one of those that wait, and they are all judged when there are more."""


class Judgements:
    """Writes facts and measurements into a table, and judges them.

    To judge takes longer than all the rest of an observation, and of those that were observed since few pass the filters of the next
    query. So they wait, with what was measured already in their row, until a query wants one of them.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._waiting: set[int] = set()
        self._fading = Alarms()

    def put(self, name: str, facts: Facts, measured: Measured | None, moment: int) -> None:
        """Write the facts of a name that is registered; it is judged anew if that can make a difference."""
        if self._table.is_judged_by(name, facts.claims, measured):
            self._table.put(name, facts, None)
            return
        judged = judge(case_of(facts.claims, measured, moment))
        self._waiting.discard(self._table.put(name, facts, judged))
        self._fading.set(name, judged.until)

    def remove(self, name: str) -> None:
        """Forget a name that is there."""
        self._waiting.discard(self._table.remove(name))
        self._fading.set(name, None)

    def observe(self, name: str, measured: Measured | None, moment: int) -> None:
        """Take in what was measured of a name that is there; None forgets what was."""
        self._waiting.add(self._table.observe(name, measured))
        if len(self._waiting) > _MOST_WAITING:
            self.judge_all(moment)

    def wanted(self, left: Mask) -> list[int]:
        """Return those of some rows that wait to be judged."""
        return [row for row in self._waiting if left[row]]

    def judge_all(self, moment: int) -> None:
        """Judge all that wait."""
        self.judge(list(self._waiting), moment)

    def judge(self, rows: list[int], moment: int) -> None:
        """Judge rows at a moment, in microseconds since 1970."""
        for row in rows:
            judged = judge(self._table.case(row, moment))
            self._table.judge(row, judged)
            self._fading.set(self._table.names[row], judged.until)
        self._waiting.difference_update(rows)

    def fades(self, moment: int) -> bool:
        """Say whether there may be some whose measurements are worth something else by now."""
        return self._fading.rings(moment)

    def pass_time(self, moment: int) -> None:
        """Judge those whose measurements are worth something else by now."""
        self.judge([self._table.row(name) for name in self._fading.due(moment)], moment)

    @property
    def may_fade(self) -> bool:
        """Whether time alone can change anything."""
        return bool(self._fading)

    @property
    def waiting(self) -> bool:
        """Whether anybody waits to be judged."""
        return bool(self._waiting)
