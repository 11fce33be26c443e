"""Several agents at one piece of work: steps side by side or one after another, each with who stands in for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from airegistry.agents.delegating import Invoker, Terms, ask_model, delegate_task
from airegistry.agents.distributing import another_may_help
from airegistry.agents.outcome import TaskResult
from airegistry.agents.steps import Step, check
from airegistry.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    ProviderRejectedError,
    RegistryError,
)
from airegistry.invocations.kinds import AgentTaskState

_SKILL = "skill:"
_MODELS = ("models/", "routes/")
_ROUNDS = 8
"""Questions at most that one step's agent asks back."""

Answer = Callable[[Step, TaskResult], Awaitable[str]]
"""Answers the question of an agent that waits for more input; raises what should end the step."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Somebody who was asked for a step and did not do it, and why."""

    by: str
    error: RegistryError


@dataclass(slots=True)
class Outcome:
    """What became of the steps: results by name, the errors of optional steps, and who was asked in vain."""

    results: dict[str, TaskResult] = field(default_factory=dict)
    errors: dict[str, RegistryError] = field(default_factory=dict)
    failed: dict[str, list[Failed]] = field(default_factory=dict)


class AgentOrchestrator:
    """Does steps in the order that they wait for each other, at most *max_parallel* at once.

    *deadline*, in seconds, is for all of them together. *answer* is asked when an agent waits for more input; without it such a
    task is not done, and the next in the step's list is asked.
    """

    def __init__(
        self,
        client: Invoker,
        *,
        max_parallel: int = 8,
        deadline: float | None = None,
        answer: Answer | None = None,
    ) -> None:
        self._client = client
        self._max_parallel = max(1, max_parallel)
        self._deadline = deadline
        self._answer = answer

    async def run(self, steps: Iterable[Step]) -> Outcome:
        """Do the steps and return what became of them.

        The first step that fails ends the others, their tasks included, and its error is raised; its metadata has `step`, and
        `__notes__` say who was asked. Cancelling the call cancels every task. Raises InvalidArgumentError before anything is
        done for steps that wait for each other or for none that is there, DeadlineExceededError for all that took too long.
        """
        run = _Run(self._client, check(steps), asyncio.Semaphore(self._max_parallel), self._answer)
        timer = asyncio.timeout(self._deadline)
        try:
            async with timer:
                await run.all()
        except TimeoutError:
            if not timer.expired():
                raise
            raise DeadlineExceededError(f"the steps took more than {self._deadline:g} s") from None
        return run.outcome

    async def first_of(self, task: str, *by: str, terms: Terms | None = None) -> TaskResult:
        """Do one task by the first in the list who does it: agent, else another agent, else a model. Raises the last error."""
        outcome = await self.run([Step("task", task, by, terms=terms)])
        return outcome.results["task"]


class _Run:
    """One run of an orchestrator."""

    def __init__(
        self, client: Invoker, steps: dict[str, Step], slots: asyncio.Semaphore, answer: Answer | None
    ) -> None:
        self.outcome = Outcome()
        self._client = client
        self._steps = steps
        self._slots = slots
        self._answer = answer
        self._over = {name: asyncio.Event() for name in steps}

    async def all(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for step in self._steps.values():
                    group.create_task(self._step(step), name=f"step {step.name}")
        except BaseExceptionGroup as failures:
            # The others were ended because of the first.
            raise failures.exceptions[0] from None

    async def _step(self, step: Step) -> None:
        for name in step.after:
            await self._over[name].wait()
        try:
            async with self._slots:
                self.outcome.results[step.name] = await self._done(step)
        except RegistryError as error:
            error.metadata["step"] = step.name
            if not step.optional:
                raise
            self.outcome.errors[step.name] = error
        self._over[step.name].set()

    async def _done(self, step: Step) -> TaskResult:
        failed = self.outcome.failed.setdefault(step.name, [])
        task = step.worded(self.outcome.results)
        for by in step.by:
            try:
                return await self._by(by, task, step)
            except RegistryError as error:
                failed.append(Failed(by, error))
                # Who is in the list is there to do what another one refuses.
                if not (another_may_help(error) or isinstance(error, ProviderRejectedError | _NotDoneError)):
                    break
        last = failed[-1].error
        for one in failed:
            last.add_note(f"{one.by}: {one.error.message}")
        raise last

    async def _by(self, by: str, task: str, step: Step) -> TaskResult:
        terms = step.terms or Terms()
        if by.startswith(_MODELS):
            return _checked(await ask_model(self._client, by, task, terms))
        skill = by.removeprefix(_SKILL) if by.startswith(_SKILL) else ""
        agent = "" if skill else by
        result = await delegate_task(self._client, task, skill=skill, agent=agent, terms=terms)
        for _ in range(_ROUNDS if self._answer is not None else 0):
            if self._answer is None or result.state is not AgentTaskState.INPUT_REQUIRED:
                break
            more = replace(terms, task_id=result.task_id, context_id=result.context_id)
            answer = await self._answer(step, result)
            result = await delegate_task(self._client, answer, agent=result.by, terms=more)
        return _checked(result)


class _NotDoneError(FailedPreconditionError):
    """A task that waits for its caller, who has nothing to say."""


def _checked(result: TaskResult) -> TaskResult:
    if result.done:
        return result
    state = result.state.name if result.state is not None else "cut"
    facts = {"task_state": state, "task_id": result.task_id, "context_id": result.context_id}
    raise _NotDoneError(f"{result.by} did not do the task: {state}", metadata=facts)
