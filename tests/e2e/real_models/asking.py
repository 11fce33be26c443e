"""What a caller asks of a real model, and what it got, whichever SDK it has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from airegistry.errors import RegistryError

SEED = 7


@dataclass(frozen=True)
class Ask:
    """A conversation of one turn, to be answered as likely as can be: the same words each time."""

    model: str
    prompt: str = "What is a function?"
    max_tokens: int = 24
    stop: tuple[str, ...] = ()
    tool: Mapping[str, Any] | None = None
    """The JSON schema of the arguments of the one tool, which must be called."""
    schema: Mapping[str, Any] | None = None
    """The JSON schema of the answer."""


TOOL_NAME = "look_up"
TOOL_DESCRIPTION = "Look something up."
SCHEMA_NAME = "record"


@dataclass
class Got:
    """What a caller got."""

    text: str = ""
    finish: str = ""
    """`stop`, `length` or `tool_calls`; empty until it is told."""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    """The names of the tools that are to be called, and their arguments."""
    usage: Any = None
    """Tokens of the prompt and of the answer."""


class Caller(Protocol):
    """Somebody with an SDK, connected to one gateway."""

    async def whole(self, ask: Ask) -> Got:
        """Ask for the answer in one piece."""
        ...

    def streamed(self, ask: Ask, got: Got) -> AsyncGenerator[None]:
        """Ask for the answer as it is made; yields each time that something of it was added to *got*."""
        ...

    def reason(self, error: Exception) -> str:
        """Return the reason that an error of the SDK tells, as gRPC names it. Raises *error* when it is none of the gateway's."""
        ...


async def heard(caller: Caller, ask: Ask) -> Got:
    """Return all of a streamed answer."""
    got = Got()
    async for _ in caller.streamed(ask, got):
        pass
    return got


async def refused(caller: Caller, ask: Ask, *, streamed: bool) -> str:
    """Ask, and return why there is no answer."""
    try:
        got = await (heard(caller, ask) if streamed else caller.whole(ask))
    except Exception as error:  # noqa: BLE001 - the caller raises what is none of the gateway's
        return caller.reason(error)
    raise AssertionError(f"it answered: {got}")


def reason_of(error: Exception) -> str:
    """Return the reason of an error of ours."""
    if isinstance(error, RegistryError):
        return error.reason
    raise error
