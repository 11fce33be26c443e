"""The index that Discover asks: everything that is registered, in columns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from airegistry.discovery.alarms import Alarms
from airegistry.discovery.answers import Discovery
from airegistry.discovery.candidates import Asked, Candidates
from airegistry.discovery.checking import check
from airegistry.discovery.columns.table import Table
from airegistry.discovery.evidence.case import case_of
from airegistry.discovery.evidence.held import Evidence
from airegistry.discovery.evidence.judging import Judged, judge
from airegistry.discovery.evidence.measured import Window, counting, microseconds
from airegistry.discovery.expressions import Compile
from airegistry.discovery.naming import NameTable, parent_of
from airegistry.discovery.preferences import weights_of
from airegistry.discovery.recent import Recent
from airegistry.discovery.rows.agent import agent_facts
from airegistry.discovery.rows.claims import Claims
from airegistry.discovery.rows.endpoint import endpoint_facts
from airegistry.discovery.rows.model import UNKNOWN_MODEL, ModelFacts, model_facts
from airegistry.discovery.rows.row import Facts, Mark
from airegistry.discovery.typos import typos
from airegistry.errors import InvalidArgumentError
from airegistry.observations.performance import Performance
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import Resource
from airegistry.resources.validation.query import asked_of

_ANYTHING = Requirements()
_MOST_ANSWERS = 512
_MOST_NAMES = 100


class Index:
    """Filters and ranks endpoints and agents. Synchronous and lock-free: it runs between awaits.

    It refers to the endpoints and agents, which a catalog or cache holds anyway, to write their rows anew when their
    model changes or a price begins or ends. *now* gives aware times. `compile_filter` is the language of filter
    expressions; without one they are refused.
    """

    def __init__(self, now: Callable[[], datetime], compile_filter: Compile | None = None) -> None:
        self.compile_filter = compile_filter
        self._now = now
        self.revision = 0
        self.observation_epoch = 0
        self._evidence = Evidence()
        self._forget(0, 0)

    def replace(self, resources: Iterable[Resource], revision: int) -> None:
        """Know *resources* instead of those before, as of a revision. What was measured of those that stay is kept."""
        listed = list(resources)
        endpoints = sum(resource.endpoint is not None for resource in listed)
        agents = sum(resource.agent is not None for resource in listed)
        self._forget(endpoints, agents)
        self._evidence.restrict(each.name for each in listed if each.endpoint is not None or each.agent is not None)
        self.apply(listed, (), revision)
        for candidates in (self._endpoints, self._agents):
            candidates.table.marks.settle()

    def apply(self, puts: Iterable[Resource], removed: Iterable[str], revision: int) -> None:
        """Take in what changed up to a revision. Repeats, and removals of what is not there, are harmless."""
        at = self._now()
        # Whether the prices may be others than they were.
        touched: dict[str, bool] = {}
        for name in removed:
            self._drop(name, touched)
        for resource in puts:
            self._keep(resource, touched)
        # In the order of names, which are then new at the end of what is there.
        for name in sorted(touched):
            self._write(name, at, repriced=touched[name])
        self._answers.clear()
        self.revision = revision

    def observe(self, performances: Iterable[Performance], epoch: int | None = None) -> None:
        """Take in what was measured up to an observation epoch; None: more of that epoch is to come.

        The latest of a name counts, and one without windows and load forgets what was known of it. What is told of a name that
        is not registered waits for it, within bounds; who is removed is forgotten.
        """
        moment = microseconds(self._now())
        for performance in performances:
            registered = performance.name in self._rows
            windows = self._evidence.take(performance, registered=registered)
            if registered:
                self._judge(performance.name, moment, counting(windows, moment))
        self._answers.clear()
        if epoch is not None:
            self.observation_epoch = epoch

    def replace_observations(self, performances: Iterable[Performance], epoch: int | None = None) -> None:
        """Know *performances* instead of everything measured before."""
        moment = microseconds(self._now())
        for name in self._evidence.clear():
            self._judge(name, moment)
        self.observe(performances, epoch)

    def discover(
        self,
        query: DiscoverQuery,
        *,
        limit: int = 10,
        name_excluded: bool = False,
        path: str = "query",
        stored: bool = False,
        spoken: tuple[str, ...] = (),
    ) -> Discovery:
        """Return the best candidates for a query, best first, ties by name, with their scores explained.

        A *stored* query may name what was there when it was written: its names are not taken for typos. Who has none of the
        *spoken* dialects is cut by DIALECT; without any, none is. Raise InvalidArgumentError for a query that cannot be answered, with the fields' paths below *path*.
        """
        if limit < 1:
            raise InvalidArgumentError.of("limit", f"must be at least 1, is {limit}")
        self._pass_time()
        asked = asked_of(query.requirements)
        key = (query.target, query.preference, query.weights, _hashable(asked), limit, name_excluded, stored, spoken)
        answer = self._answers.get(key)
        if answer is None:
            expression = check(query, asked, path, self.compile_filter)
            if not stored and (violations := tuple(typos(asked, self._candidates_for(query).table, path))):
                raise InvalidArgumentError(violations=violations)
            wanted = Asked(query.requirements or _ANYTHING, tuple(asked), expression, spoken)
            answer = self._answer(query, wanted, limit, _MOST_NAMES if name_excluded else 0)
            self._answers.put(key, answer)
        return answer

    def prepare(self, query: DiscoverQuery, *, path: str = "query") -> Iterator[None]:
        """Do what takes long of a query step by step, with a pause after each of some milliseconds.

        Only filter expressions that were not asked for before take long. What changes in a pause is looked at again.
        Raise as `discover` does.
        """
        asked = asked_of(query.requirements)
        if "filter" in asked:
            expression = check(query, asked, path, self.compile_filter)
            wanted = Asked(query.requirements or _ANYTHING, tuple(asked), expression)
            yield from self._candidates_for(query).prepare(wanted)

    def _answer(self, query: DiscoverQuery, asked: Asked, limit: int, names: int) -> Discovery:
        best, count, exclusions = self._candidates_for(query).search(asked, weights_of(query), limit, names)
        return Discovery(best, count, exclusions, self.revision, self.observation_epoch)

    def _candidates_for(self, query: DiscoverQuery) -> Candidates:
        return self._agents if query.target is DiscoverTarget.AGENT else self._endpoints

    def _subject(self, name: str) -> tuple[Resource, Resource | None]:
        return self._rows[name], self._models.get(parent_of(name))

    def _forget(self, endpoints: int, agents: int) -> None:
        self._models: dict[str, Resource] = {}
        self._known: dict[str, ModelFacts] = {}
        self._rows: dict[str, Resource] = {}
        self._names = NameTable()
        self._endpoints = Candidates(self._names, self._subject, endpoints)
        self._agents = Candidates(self._names, self._subject, agents)
        self._changing = Alarms()
        self._fading = Alarms()
        self._answers: Recent[Discovery] = Recent(_MOST_ANSWERS)

    def _keep(self, resource: Resource, touched: dict[str, bool]) -> None:
        name = resource.name
        if resource.model is not None:
            self._models[name] = resource
            self._known.pop(name, None)
            self._names.apply((resource,), ())
            touched.update(dict.fromkeys(self._endpoints.table.having(Mark.MODEL, name), True))
        elif resource.endpoint is not None or resource.agent is not None:
            touched[name] = touched.get(name, False) or _repriced(self._rows.get(name), resource)
            self._rows[name] = resource
            self._evidence.arrived(name)

    def _drop(self, name: str, touched: dict[str, bool]) -> None:
        if self._models.pop(name, None) is not None:
            self._known.pop(name, None)
            self._names.apply((), (name,))
            touched.update(dict.fromkeys(self._endpoints.table.having(Mark.MODEL, name), True))
        resource = self._rows.pop(name, None)
        if resource is None:
            return
        touched[name] = True
        self._evidence.left(name)

    def _write(self, name: str, at: datetime, *, repriced: bool = True) -> None:
        resource, table = self._rows.get(name), self._table_of(name)
        if resource is not None:
            facts = self._facts(resource, at, repriced=repriced)
            judged = self._judged(name, facts.claims, at)
            table.put(name, facts, judged)
            if facts.rates is not None:
                self._changing.set(name, None if facts.until is None else microseconds(facts.until))
            if judged is not None:
                self._fading.set(name, judged.until)
        elif name in table:
            table.remove(name)
            self._changing.set(name, None)
            self._fading.set(name, None)

    def _judged(self, name: str, claims: Claims, at: datetime) -> Judged | None:
        """Return how good who is there is by these claims; None when that stands in the row already."""
        measured = self._evidence.get(name)
        if self._table_of(name).is_judged_by(name, claims, measured):
            return None
        return judge(case_of(claims, measured, microseconds(at)))

    def _judge(self, name: str, moment: int, windows: list[Window] | None = None) -> None:
        """Write anew what is measured in the row of a name that is there."""
        table = self._table_of(name)
        judged = judge(case_of(table.claims(name), self._evidence.get(name), moment), windows)
        table.judge(name, judged)
        self._fading.set(name, judged.until)

    def _table_of(self, name: str) -> Table:
        return (self._agents if name.startswith("agents/") else self._endpoints).table

    def _facts(self, resource: Resource, at: datetime, *, repriced: bool) -> Facts:
        if resource.endpoint is None:
            return agent_facts(resource, at)
        return endpoint_facts(resource, self._model_facts(parent_of(resource.name), at), at, repriced=repriced)

    def _model_facts(self, name: str, at: datetime) -> ModelFacts:
        facts = self._known.get(name, UNKNOWN_MODEL)
        if facts is UNKNOWN_MODEL or (facts.until is not None and facts.until <= at):
            model = self._models.get(name)
            if model is not None:
                facts = self._known[name] = model_facts(model, at)
        return facts

    def _pass_time(self) -> None:
        """Write anew what may have changed by itself: prices, stages of life, and what measurements are worth."""
        if not (self._changing or self._fading):
            return
        at = self._now()
        moment = microseconds(at)
        if not (self._changing.rings(moment) or self._fading.rings(moment)):
            return
        for name in self._changing.due(moment):
            self._write(name, at)
            self._answers.clear()
        for name in self._fading.due(moment):
            self._judge(name, moment)
            self._answers.clear()


def _repriced(before: Resource | None, after: Resource) -> bool:
    """Say whether prices, or when they begin and end, may be others than they were."""
    if before is None or before.endpoint is None or after.endpoint is None:
        return True
    return before.endpoint.prices != after.endpoint.prices


def _hashable(asked: Mapping[str, Any]) -> Hashable:
    if "labels" in asked:
        asked = {**asked, "labels": tuple(sorted(asked["labels"].items()))}
    return tuple(asked.items())
