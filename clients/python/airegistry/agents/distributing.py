"""Who of many agents should do a task, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from airegistry.agents.delegating import Invoker, Task, Terms, content_of, delegate_task
from airegistry.agents.matching import best_skill
from airegistry.agents.outcome import TaskResult
from airegistry.client.messages import DiscoverResponse
from airegistry.discovery.answers import Candidate, Exclusion
from airegistry.errors import (
    ModelNotFoundError,
    NoCandidateError,
    OverloadedError,
    ProviderError,
    RegistryError,
    UnavailableError,
    UnsupportedFieldError,
)
from airegistry.invocations.content import ContentBlock
from airegistry.resources.agent import Agent
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Preference, Requirements
from airegistry.routing.error_classes import NextStep, classify

_MOST = 100
"""Agents at most that are looked at for one task: what a Discover answers."""


_PASSING = (NoCandidateError, ModelNotFoundError, OverloadedError, UnavailableError, UnsupportedFieldError)


class Registry(Invoker, Protocol):
    """Who can discover and invoke: a `Client`."""

    async def discover(self, query: DiscoverQuery | None = None, *, limit: int = 0) -> DiscoverResponse:
        """Find the best agents."""
        ...


@dataclass(frozen=True, slots=True)
class RankedAgent:
    """One who could do the task. `fit` is how well the task's words fit the skill; 0 where skills were asked for by name.

    `running` are the tasks that it has from this distributor, `full` whether it says that it takes no more at the same time.
    """

    name: str
    skill: str
    fit: float
    running: int
    full: bool
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class TaskRoute:
    """Who should do a task, the best first; and how many others each filter cut."""

    ranking: tuple[RankedAgent, ...]
    exclusions: tuple[Exclusion, ...]
    revision: int

    @property
    def agent(self) -> str:
        """The full name of the best."""
        return self.ranking[0].name

    @property
    def skill(self) -> str:
        """The skill that it is asked for."""
        return self.ranking[0].skill

    def explain(self) -> str:
        """Say for people why the ranking is as it is, a line for each agent and each filter."""
        lines = [f"{i}. {_line(one)}" for i, one in enumerate(self.ranking, 1)]
        cut = (
            f"{one.count} excluded by {one.reason.name.lower()}" for one in self.exclusions if one.reason is not None
        )
        return "\n".join([*lines, *cut])


class TaskDistributor:
    """Routes tasks to agents by skill, status, load and price: the registry filters and ranks, by *preference*.

    *requirements* hold for every task (`max_cost_nanos` is the price of a task). The distributor counts what it has given out
    itself, and passes by who takes no more at the same time.
    """

    def __init__(
        self,
        client: Registry,
        *,
        preference: Preference | None = None,
        requirements: Requirements | None = None,
    ) -> None:
        self._client = client
        self._preference = preference
        self._requirements = requirements or Requirements()
        self._running: Counter[str] = Counter()

    async def route_task(self, task: Task, *, skills: Collection[str] = ()) -> TaskRoute:
        """Return who should do a task, and who else could.

        Without *skills* the words of the task are compared with what agents say of theirs, and who fits better comes first.
        Raises NoCandidateError where nobody is left, with the exclusions counted.
        """
        wanted = replace(self._requirements, skills=(*self._requirements.skills, *skills))
        query = DiscoverQuery(DiscoverTarget.AGENT, wanted, self._preference)
        found = await self._client.discover(query, limit=_MOST)
        words = "" if skills else _words_of(content_of(task))
        ranked = [self._ranked(candidate, words, next(iter(skills), "")) for candidate in found.candidates]
        fitting = [one for one in ranked if skills or one.fit > 0]
        if not fitting:
            raise _nobody(found, looked_at=len(ranked))
        # Sorting is stable: among equals the registry's order holds.
        ranking = sorted(fitting, key=lambda one: (one.full, -one.fit))
        return TaskRoute(tuple(ranking), found.exclusions, found.revision)

    async def delegate(
        self, task: Task, *, skills: Collection[str] = (), terms: Terms | None = None, attempts: int = 3
    ) -> TaskResult:
        """Give a task to who should do it, and to the next in the ranking where that can help.

        At most *attempts* agents are asked. Raises the error of the last one.
        """
        task = task if isinstance(task, str) else tuple(task)
        route = await self.route_task(task, skills=skills)
        last: RegistryError | None = None
        for one in route.ranking[: max(1, attempts)]:
            try:
                with self._assigned(one.name):
                    return await delegate_task(self._client, task, agent=one.name, skill=one.skill, terms=terms)
            except RegistryError as error:
                if not another_may_help(error):
                    raise
                last = error
        assert last is not None  # noqa: S101 - the ranking has somebody
        raise last

    @contextmanager
    def _assigned(self, name: str) -> Iterator[None]:
        self._running[name] += 1
        try:
            yield
        finally:
            self._running[name] -= 1
            if not self._running[name]:
                del self._running[name]

    def _ranked(self, candidate: Candidate, words: str, skill: str) -> RankedAgent:
        resource = candidate.resource
        agent = resource.agent if resource is not None and resource.agent is not None else Agent()
        name = resource.name if resource is not None else ""
        fitting, fit = best_skill(words, agent) if words else (skill, 0.0)
        running, most = self._running[name], agent.max_concurrent_tasks
        return RankedAgent(name, fitting, fit, running, most is not None and running >= most, candidate)


def another_may_help(error: RegistryError) -> bool:
    """Say whether somebody else may do what failed so: not where the caller, its rights or its time are the reason."""
    if isinstance(error, ProviderError):
        return classify(error).next is not NextStep.STOP
    return isinstance(error, _PASSING)


def _words_of(content: tuple[ContentBlock, ...]) -> str:
    return " ".join(block.text.text for block in content if block.text is not None)


def _line(one: RankedAgent) -> str:
    score = one.candidate.score
    parts = score.parts if score is not None else ()
    facts = [
        f"skill {one.skill or 'any'}",
        *([f"fit {one.fit:g}"] if one.fit else []),
        *(f"{part.kind.name.lower()} {part.value:.2f}" for part in parts if part.kind is not None and part.weight),
        *([f"{one.running} running"] if one.running else []),
        *(["full"] if one.full else []),
    ]
    return f"{one.name}: {', '.join(facts)}; score {score.total if score is not None else 0.0:.3f}"


def _nobody(found: DiscoverResponse, *, looked_at: int) -> NoCandidateError:
    counts = {one.reason.name.lower(): str(one.count) for one in found.exclusions if one.reason is not None}
    if looked_at:
        return NoCandidateError(f"none of {looked_at} agents has a skill that the task's words fit", metadata=counts)
    why = ", ".join(f"{count} excluded by {reason}" for reason, count in counts.items())
    return NoCandidateError(f"no agent can take the task: {why or 'none is registered'}", metadata=counts)
