"""Giving a task to an agent, by its name or by what it can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from airegistry.agents.outcome import TaskResult, result_of
from airegistry.errors import FieldViolation, InvalidArgumentError
from airegistry.invocations.asking import ask
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import Invocation, InvokeResponse
from airegistry.invocations.kinds import AgentTaskRequest
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.route import RoutePolicy

_PREFIX = "agents/"


class Invoker(Protocol):
    """Who can invoke: a `GatewayClient`, or a `Client`."""

    async def invoke(self, invocation: Invocation, *, deadline: float | None = None) -> InvokeResponse:
        """Send one request and return the whole answer."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How a task is done. `context_id` and `task_id` go on with a conversation, as an earlier TaskResult names them.

    *deadline* is in seconds; None: as the client's. `metadata` are facts for the agent, `accepted_output_modes` the media
    types that the caller takes.
    """

    context_id: str = ""
    task_id: str = ""
    accepted_output_modes: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    policy: RoutePolicy | None = None
    deadline: float | None = None


Task = str | Iterable[ContentBlock]
"""What to do: a text, or any content."""


async def delegate_task(
    client: Invoker, task: Task, *, skill: str = "", agent: str = "", terms: Terms | None = None
) -> TaskResult:
    """Give a task to the best agent with a *skill* (the id of a skill, or one of its tags), or to the *agent* of that name.

    One who cannot be reached, fails before it has begun or declines is replaced by the next with the skill, as the policy
    allows. With both, the named agent is asked for that skill. Raises the RegistryError that a call raises: NoCandidateError
    where nobody has the skill, TaskRejectedError, TaskCanceledError and other ProviderErrors for a task that was not done. A
    task that waits for its caller is returned, with `done` False. Cancelling the call cancels the task.
    """
    if not (skill or agent):
        raise InvalidArgumentError(violations=[FieldViolation("skill", "one of skill and agent must be given")])
    invocation = task_for(agent, task, skill, terms or Terms())
    return result_of(await client.invoke(invocation, deadline=terms.deadline if terms is not None else None))


async def ask_model(client: Invoker, model: str, task: Task, terms: Terms) -> TaskResult:
    """Let a model, or a route to one, answer in the place of an agent. Raises as a call does."""
    if not isinstance(task, str):
        raise InvalidArgumentError.of("task", "must be a text for a model to answer it")
    invocation = ask(model, task)
    return result_of(await client.invoke(invocation, deadline=terms.deadline))


def task_for(agent: str, task: Task, skill: str, terms: Terms) -> Invocation:
    """Return the invocation that gives a task to an agent, or to whoever has a skill."""
    request = AgentTaskRequest(
        content=content_of(task),
        skill=skill,
        context_id=terms.context_id,
        task_id=terms.task_id,
        accepted_output_modes=terms.accepted_output_modes,
        metadata=terms.metadata or None,
    )
    if agent:
        return Invocation(model=full_name(agent), agent_task=request, policy=terms.policy)
    return Invocation(query=agents_with(skill), agent_task=request, policy=terms.policy)


def content_of(task: Task) -> tuple[ContentBlock, ...]:
    """Return what to do as content."""
    return (ContentBlock(text=TextBlock(task)),) if isinstance(task, str) else tuple(task)


def full_name(agent: str) -> str:
    """Return the full name of an agent that was called by its id."""
    return agent if "/" in agent else f"{_PREFIX}{agent}"


def agents_with(*skills: str) -> DiscoverQuery:
    """Return the query for agents with all of the skills."""
    return DiscoverQuery(DiscoverTarget.AGENT, Requirements(skills=skills))
