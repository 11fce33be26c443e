"""An agent that exists already, whatever it was built with, in the registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from airegistry.agents.delegating import Task, Terms, agents_with, delegate_task
from airegistry.agents.describing import describe_agent, describe_card, id_of, is_card
from airegistry.agents.outcome import TaskResult
from airegistry.agents.registering import RegisteredAgent, register_agent
from airegistry.agents.serving import serve_agent
from airegistry.agents.shapes import card_of, told_by
from airegistry.agents.work import METHODS, work_of
from airegistry.client.client import Client
from airegistry.client.gateway import GATEWAY_ADDRESS
from airegistry.client.messages import DiscoverResponse
from airegistry.errors import InvalidArgumentError, ModelNotFoundError, NoCandidateError
from airegistry.invocations.invocation import Invocation
from airegistry.keeping import LEASE_TTL
from airegistry.resources.resource import Resource

_MOST_TASKS: Final = 64
_WAIT: Final = 5.0
_LOOK: Final = 0.02
_ADDED: Final = ("discover", "delegate")
_ANYWHERE: Final = ("0.0.0.0", "[::]")  # noqa: S104 - looked for, not bound


@dataclass(frozen=True, slots=True)
class Serving:
    """How a plain agent is served: where it listens, as what others reach it, and the token that they need.

    The registry gets the name of the *credential* that holds the token for callers, never the token.
    """

    address: str = "127.0.0.1:0"
    url: str = ""
    token: str = ""
    credential: str = ""


class IntegratedAgent:
    """An agent in the registry, and what it can do there. `registered` says how it stands, and takes its reports."""

    def __init__(self, client: Client, registered: RegisteredAgent) -> None:
        self.client = client
        self.registered = registered

    @property
    def name(self) -> str:
        """The full name."""
        return self.registered.name

    async def until_invocable(self, wait: float = _WAIT) -> None:
        """Wait until the gateway would give a task to the agent: it hears of it by push, a moment after the registry.

        Raises NoCandidateError, with why the agent cannot be asked, when that takes longer than *wait* seconds.
        """
        why = "the gateway does not know it"
        try:
            async with asyncio.timeout(wait):
                while why:
                    why = await self._hindrance()
                    await asyncio.sleep(_LOOK if why else 0)
        except TimeoutError:
            raise NoCandidateError(f"{self.name} cannot be asked: {why}") from None

    async def _hindrance(self) -> str:
        """Return why the gateway would not ask the agent; empty where it would."""
        try:
            explained = await self.client.explain(Invocation(model=self.name))
        except ModelNotFoundError as error:
            return error.message
        if explained.candidates:
            return ""
        reasons = (one.reason.name.lower() for one in explained.exclusions if one.reason is not None)
        return f"excluded by {', '.join(reasons)}"

    async def discover(self, *skills: str, limit: int = 10) -> DiscoverResponse:
        """Return the best agents that have all of the skills."""
        return await self.client.discover(agents_with(*skills), limit=limit)

    async def delegate(self, task: Task, *, skill: str = "", agent: str = "", terms: Terms | None = None) -> TaskResult:
        """Give a task to another agent, as `delegate_task` does."""
        return await delegate_task(self.client, task, skill=skill, agent=agent, terms=terms)


@asynccontextmanager
async def integrate_registry(  # noqa: PLR0913 - where the agent is, and as whom
    agent: Any,
    address: str,
    *,
    gateway: str = GATEWAY_ADDRESS,
    serving: Serving | None = None,
    id_: str = "",
    owner_id: str = "",
    ttl: float = LEASE_TTL,
    **facts: Any,
) -> AsyncIterator[IntegratedAgent]:
    """Register an agent with the registry at *address*, keep it registered, and deregister it on the way out.

    It takes an `a2a.types.AgentCard`, an object that has one as `agent_card` or `card`, or a plain object:

    - `name`, a text; `description` and `version`, texts, where it has them;
    - `skills`, or else `capabilities`: names, mappings or objects with `id` or `name` (and `description`, `tags`, `examples`), or
      a mapping from names to descriptions; at least one;
    - `url`, the `grpc://` or `grpcs://` address where it speaks A2A; or else its work: a method `run`, `handle`, `invoke`,
      `execute` or `process`, or the object itself called, that needs the text of a task and nothing else. It returns, or yields,
      texts, bytes or JSON (dict, list), as a coroutine, a generator, or plainly, and is served here, by *serving*.

    The id is made of the name unless *id_* says it; with the same *owner_id* after a restart (see `owner_id_file`) the lease goes
    on. *facts* are fields of `airegistry.Agent`. For as long as it is registered, the object has the methods `discover` and
    `delegate` of IntegratedAgent, unless it takes no attributes or has ones of these names; nothing else of it is touched. Raises
    InvalidArgumentError for an object of another form, naming what it lacks, and as `register_agent` and `Client` do.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(address, gateway=gateway))
        card, counted = card_of(agent), _Counted()
        if card is not None:
            resource = describe_card(card, id_=id_, **facts)
        else:
            described = _described(agent, id_, serving or Serving(), facts, counted)
            resource = await stack.enter_async_context(described)
        registering = register_agent(client, resource, owner_id=owner_id, ttl=ttl)
        registered = counted.registered = await stack.enter_async_context(registering)
        integrated = IntegratedAgent(client, registered)
        stack.enter_context(_added(agent, integrated))
        yield integrated


class _Counted:
    """Counts tasks for the registry, once it knows the agent."""

    registered: RegisteredAgent | None = None

    def track(self) -> AbstractContextManager[None]:
        """Count a task for the length of it."""
        return nullcontext() if self.registered is None else self.registered.working()


@asynccontextmanager
async def _described(
    agent: Any, id_: str, serving: Serving, facts: dict[str, Any], counted: _Counted
) -> AsyncIterator[Resource]:
    """Serve a plain object where it is not served, and lend what the registry is told of it."""
    told = told_by(agent)
    work = None if told["url"] else work_of(agent)
    if work is None and not told["url"]:
        names = ", ".join(METHODS)
        raise InvalidArgumentError.of("agent", f"has neither a url nor its work: a method {names}, or itself called")
    facts = {"display_name": told["name"], "description": told["description"], "version": told["version"], **facts}
    id_ = id_ or id_of(told["name"])
    if work is None:
        yield describe_agent(id_, told["url"], told["skills"], **facts)
        return
    if bool(serving.token) != bool(serving.credential):
        raise InvalidArgumentError.of("serving.credential", "is the name of the token: both are given, or none")
    most = facts.setdefault("max_concurrent_tasks", _MOST_TASKS)
    if serving.credential:
        facts.setdefault("credential", serving.credential)
    served = serve_agent(work, serving.address, most=most, token=serving.token, tracked=counted.track)
    async with served as port:
        yield describe_agent(id_, serving.url or _url(serving.address, port), told["skills"], **facts)


def _url(address: str, port: int) -> str:
    host = address.rpartition(":")[0]
    if host in _ANYWHERE:
        raise InvalidArgumentError.of("serving.url", "must say as what others reach an agent that listens everywhere")
    return f"grpc://{host}:{port}"


@contextmanager
def _added(agent: Any, integrated: IntegratedAgent) -> Iterator[None]:
    """Give the object the methods for the length of the block, where it takes them and has none of these names."""
    added = [name for name in _ADDED if not hasattr(agent, name) and not is_card(agent)]
    try:
        for name in added:
            setattr(agent, name, getattr(integrated, name))
    except AttributeError:
        # An object with slots, or frozen: it has them by the handle alone.
        added = [name for name in added if name in vars(agent)] if hasattr(agent, "__dict__") else []
    try:
        yield
    finally:
        for name in added:
            delattr(agent, name)
