"""One table of candidates, searched: filter, count the excluded, take the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from airegistry.discovery.answers import ExclusionReason, Ranked
from airegistry.discovery.asking import Asking
from airegistry.discovery.columns.table import Table
from airegistry.discovery.costs import Costs
from airegistry.discovery.expressions import Expression
from airegistry.discovery.filters import passed_by
from airegistry.discovery.judgements import Judgements
from airegistry.discovery.naming import NameTable
from airegistry.discovery.plans import Plan
from airegistry.discovery.ranking import Ranking
from airegistry.discovery.recent import Recent
from airegistry.discovery.satisfying import Satisfying, Subjects
from airegistry.discovery.sieve import Sieve
from airegistry.resources.requirements import Requirements, TokenMix

_MIXES = 32
_RANKINGS = 16
_EXPRESSIONS = 32


class Candidates:
    """The endpoints, or the agents, with the costs, the rankings and the expressions lately asked for.

    *moment* is the time now, in microseconds since 1970.
    """

    def __init__(self, models: NameTable, subjects: Subjects, moment: Callable[[], int], capacity: int = 0) -> None:
        self.table = Table(capacity)
        self.judgements = Judgements(self.table)
        self._models = models
        self._subjects = subjects
        self._moment = moment
        self._expressions: Recent[Satisfying] = Recent(_EXPRESSIONS)
        self._costs: Recent[Costs] = Recent(_MIXES)
        self._rankings: Recent[Ranking] = Recent(_RANKINGS)

    def search(
        self, requirements: Requirements, plan: Plan, limit: int, names: int
    ) -> tuple[tuple[Ranked, ...], Sieve]:
        """Return the best, and what passed all filters; up to *names* of those that were cut are named."""
        costs = self._costs_of(plan.mix)
        asking = self._asking(requirements, plan, costs)
        sieve = self._begin(asking, plan, names)
        sieve.take(asking, passed_by(asking, plan.filters.numbers))
        if plan.filters.usual and not names:
            sieve.take_usual()
        else:
            sieve.take(asking, passed_by(asking, plan.filters.last))
        if wanted := self.judgements.wanted(sieve.left):
            self.judgements.judge(wanted, self._moment())
        return self._ranking_of(plan, costs).best(sieve.left, sieve.count, limit), sieve

    def prepare(self, requirements: Requirements, plan: Plan) -> Iterator[None]:
        """Evaluate the filter expression step by step, so that a search finds it done; others may run in between."""
        asking = self._asking(requirements, plan, self._costs_of(plan.mix))
        if asking.satisfying is not None:
            sieve = self._begin(asking, plan, 0)
            sieve.take(asking, passed_by(asking, plan.filters.numbers))
            cheap = tuple(each for each in plan.filters.last if each[0] is not ExclusionReason.FILTER)
            sieve.take(asking, passed_by(asking, cheap))
            yield from asking.satisfying.steps(sieve.left)

    def _asking(self, requirements: Requirements, plan: Plan, costs: Costs) -> Asking:
        asking = Asking(
            requirements,
            plan.mix,
            table=self.table,
            costs=costs,
            models=self._models,
            satisfying=None if plan.expression is None else self._satisfying_of(plan.text, plan.expression),
        )
        asking.spoken = plan.spoken
        return asking

    def _begin(self, asking: Asking, plan: Plan, names: int) -> Sieve:
        """Apply the filters that look at no number; what they leave is kept until a mark changes, but for names."""
        if plan.filters.measured:
            self.judgements.judge_all(self._moment())
        version = self.table.marks.version
        if names or plan.begun is None or plan.version != version:
            sieve = Sieve(self.table, names)
            sieve.take(asking, passed_by(asking, plan.filters.first))
            if names:
                return sieve
            plan.begun, plan.version = sieve, version
        asking.left = plan.begun.left
        return plan.begun.copy()

    def _satisfying_of(self, text: str, expression: Expression) -> Satisfying:
        satisfying = self._expressions.get(text)
        if satisfying is None:
            satisfying = Satisfying(self.table, expression, self._subjects)
            self._expressions.put(text, satisfying)
        return satisfying

    def _costs_of(self, mix: TokenMix) -> Costs:
        costs = self._costs.get(mix)
        if costs is None:
            costs = Costs(self.table, mix)
            self._costs.put(mix, costs)
        costs.catch_up()
        return costs

    def _ranking_of(self, plan: Plan, costs: Costs) -> Ranking:
        key = plan.weights, plan.mix
        ranking = self._rankings.get(key)
        if ranking is None or ranking.costs is not costs:
            ranking = Ranking(self.table, costs, plan.weights)
            self._rankings.put(key, ranking)
        ranking.catch_up()
        return ranking
