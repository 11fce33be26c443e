"""The index that Discover asks: everything that is registered, in columns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime

from airegistry.discovery.alarms import Alarms
from airegistry.discovery.answers import Discovery
from airegistry.discovery.candidates import Candidates
from airegistry.discovery.checking import check
from airegistry.discovery.evidence.held import Evidence
from airegistry.discovery.evidence.measured import microseconds
from airegistry.discovery.expressions import Compile
from airegistry.discovery.naming import NameTable, parent_of
from airegistry.discovery.plans import Plan
from airegistry.discovery.recent import Recent
from airegistry.discovery.rows.agent import agent_facts
from airegistry.discovery.rows.change import change_of
from airegistry.discovery.rows.endpoint import endpoint_facts
from airegistry.discovery.rows.model import UNKNOWN_MODEL, ModelFacts, model_facts
from airegistry.discovery.rows.row import Facts, Mark
from airegistry.discovery.typos import typos
from airegistry.errors import InvalidArgumentError
from airegistry.observations.performance import Performance
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import Resource
from airegistry.resources.validation.query import asked_of, numbers_of, shape_of

_ANYTHING = Requirements()
_MOST_ANSWERS = 512
_MOST_PLANS = 256
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
        self._edition = 0
        self._forget(0, 0)

    def replace(self, resources: Iterable[Resource], revision: int) -> None:
        """Know *resources* instead of those before, as of a revision. What was measured of those that stay is kept."""
        listed = list(resources)
        endpoints = sum(resource.endpoint is not None for resource in listed)
        agents = sum(resource.agent is not None for resource in listed)
        self._forget(endpoints, agents)
        self._evidence.restrict(each.name for each in listed if each.endpoint is not None or each.agent is not None)
        self.apply(listed, (), revision)

    def apply(self, puts: Iterable[Resource], removed: Iterable[str], revision: int) -> None:
        """Take in what changed up to a revision. Repeats, and removals of what is not there, are harmless."""
        at = self._now()
        # What the row was made from, where that is all that changed.
        touched: dict[str, Resource | None] = {}
        for name in removed:
            self._drop(name, touched)
        for resource in puts:
            self._keep(resource, touched)
        # In the order of names, which are then new at the end of what is there.
        for name in sorted(touched):
            self._write(name, at, touched[name])
        self._forget_answers()
        self.revision = revision

    def observe(self, performances: Iterable[Performance], epoch: int | None = None) -> None:
        """Take in what was measured up to an observation epoch; None: more of that epoch is to come.

        The latest of a name counts, and one without windows and load forgets what was known of it. What is told of a name that
        is not registered waits for it, within bounds; who is removed is forgotten.
        """
        moment = self._moment()
        for performance in performances:
            name = performance.name
            registered = name in self._rows
            measured = self._evidence.take(performance, registered=registered)
            if registered:
                self._candidates_of(name).judgements.observe(name, measured, moment)
        self._forget_answers()
        if epoch is not None:
            self.observation_epoch = epoch

    def replace_observations(self, performances: Iterable[Performance], epoch: int | None = None) -> None:
        """Know *performances* instead of everything measured before."""
        moment = self._moment()
        for name in self._evidence.clear():
            self._candidates_of(name).judgements.observe(name, None, moment)
        self.observe(performances, epoch)

    def edition(self) -> int:
        """Return what is another number whenever an answer may be another one than before, were it for the time alone."""
        self._pass_time()
        return self._edition

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
        requirements = query.requirements or _ANYTHING
        shape = query.target, query.preference, query.weights, shape_of(requirements), stored, spoken
        key = shape, numbers_of(requirements), limit, name_excluded
        answer = self._answers.get(key)
        if answer is None:
            plan = self._plan(query, key[:2], path, stored=stored, spoken=spoken)
            search = self._candidates_for(query).search
            best, sieve = search(requirements, plan, limit, _MOST_NAMES if name_excluded else 0)
            answer = Discovery(best, sieve.count, sieve.exclusions, self.revision, self.observation_epoch)
            self._answers.put(key, answer)
        return answer

    def prepare(self, query: DiscoverQuery, *, path: str = "query") -> Iterator[None]:
        """Do what takes long of a query step by step, with a pause after each of some milliseconds.

        Only filter expressions that were not asked for before take long. What changes in a pause is looked at again.
        Raise as `discover` does.
        """
        requirements = query.requirements
        if requirements is not None and requirements.filter:
            shape = query.target, query.preference, query.weights, shape_of(requirements), True, ()
            plan = self._plan(query, (shape, numbers_of(requirements)), path, stored=True)
            yield from self._candidates_for(query).prepare(requirements, plan)

    def _plan(
        self,
        query: DiscoverQuery,
        key: tuple[Hashable, tuple[float | None, ...]],
        path: str,
        *,
        stored: bool,
        spoken: tuple[str, ...] = (),
    ) -> Plan:
        """Return how to answer a query, by a *key* of its shape and its numbers; raise InvalidArgumentError when it cannot be."""
        shape, numbers = key
        # Which numbers are set is part of the plan.
        kind = shape, tuple([number is None for number in numbers])
        plan, table = self._plans.get(kind), self._candidates_for(query).table
        if plan is None or not plan.is_valid_for(numbers, table.marks.texts_version):
            asked = asked_of(query.requirements)
            expression = check(query, asked, path, self.compile_filter)
            if not stored and (violations := tuple(typos(asked, table, path))):
                raise InvalidArgumentError(violations=violations)
            plan = Plan(query, tuple(asked), expression, spoken=spoken, texts=table.marks.texts_version)
            self._plans.put(kind, plan)
        return plan

    def _candidates_for(self, query: DiscoverQuery) -> Candidates:
        return self._agents if query.target is DiscoverTarget.AGENT else self._endpoints

    def _subject(self, name: str) -> tuple[Resource, Resource | None]:
        return self._rows[name], self._models.get(parent_of(name))

    def _forget(self, endpoints: int, agents: int) -> None:
        self._models: dict[str, Resource] = {}
        self._known: dict[str, ModelFacts] = {}
        self._rows: dict[str, Resource] = {}
        self._names = NameTable()
        self._endpoints = Candidates(self._names, self._subject, self._moment, endpoints)
        self._agents = Candidates(self._names, self._subject, self._moment, agents)
        self._changing = Alarms()
        self._answers: Recent[Discovery] = Recent(_MOST_ANSWERS)
        self._plans: Recent[Plan] = Recent(_MOST_PLANS)

    def _forget_answers(self) -> None:
        self._answers.clear()
        self._edition += 1

    def _keep(self, resource: Resource, touched: dict[str, Resource | None]) -> None:
        name = resource.name
        if resource.model is not None:
            self._models[name] = resource
            self._known.pop(name, None)
            self._names.apply((resource,), ())
            touched.update(dict.fromkeys(self._endpoints.table.having(Mark.MODEL, name)))
        elif resource.endpoint is not None or resource.agent is not None:
            touched.setdefault(name, self._rows.get(name))
            self._rows[name] = resource
            self._evidence.arrived(name)

    def _drop(self, name: str, touched: dict[str, Resource | None]) -> None:
        if self._models.pop(name, None) is not None:
            self._known.pop(name, None)
            self._names.apply((), (name,))
            touched.update(dict.fromkeys(self._endpoints.table.having(Mark.MODEL, name)))
        resource = self._rows.pop(name, None)
        if resource is None:
            return
        touched[name] = None
        self._evidence.left(name)

    def _write(self, name: str, at: datetime, before: Resource | None = None) -> None:
        """Write the row of a name as it is now; what it was made from *before* is given where its model is the same."""
        resource, candidates = self._rows.get(name), self._candidates_of(name)
        if resource is None:
            if name in candidates.table:
                candidates.judgements.remove(name)
                self._changing.set(name, None)
        elif (change := change_of(before, resource, at)) is not None:
            candidates.table.change(name, change)
        else:
            self._write_anew(resource, at)

    def _write_anew(self, resource: Resource, at: datetime) -> None:
        name, facts = resource.name, self._facts(resource, at)
        self._candidates_of(name).judgements.put(name, facts, self._evidence.get(name), microseconds(at))
        self._changing.set(name, None if facts.until is None else microseconds(facts.until))

    def _candidates_of(self, name: str) -> Candidates:
        return self._agents if name.startswith("agents/") else self._endpoints

    def _facts(self, resource: Resource, at: datetime) -> Facts:
        if resource.endpoint is None:
            return agent_facts(resource, at)
        model = self._model_facts(parent_of(resource.name), at)
        return endpoint_facts(resource, model, at)

    def _model_facts(self, name: str, at: datetime) -> ModelFacts:
        facts = self._known.get(name, UNKNOWN_MODEL)
        if facts is UNKNOWN_MODEL or (facts.until is not None and facts.until <= at):
            model = self._models.get(name)
            if model is not None:
                facts = self._known[name] = model_facts(model, at)
        return facts

    def _pass_time(self) -> None:
        """Write anew what may have changed by itself: prices, stages of life, and what measurements are worth."""
        both = self._endpoints.judgements, self._agents.judgements
        if not (self._changing or both[0].may_fade or both[1].may_fade):
            return
        at = self._now()
        moment = microseconds(at)
        for name in self._changing.due(moment) if self._changing.rings(moment) else ():
            self._write(name, at)
            self._forget_answers()
        for judgements in both:
            if judgements.fades(moment):
                judgements.pass_time(moment)
                self._forget_answers()

    def _moment(self) -> int:
        return microseconds(self._now())
