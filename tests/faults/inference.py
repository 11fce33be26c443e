"""The ways in which a provider fails that is called by gRPC, and what a caller of it alone must get."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from grpc import StatusCode

from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from airegistry.resources.route import RoutePolicy
from tests.faults.misbehaving import SOME
from tests.faults.table import (
    BROKEN,
    HASTY,
    LATER_TIMED_OUT,
    LIMITED,
    MALFORMED,
    PATIENT,
    TIMED_OUT,
    WHOLE,
    Ends,
)
from tests.faults.wires import TEXT, WORDS
from tests.inference_servers import Caller, text
from tests.robustness.proxy import Proxy

KSERVE = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.NONE))
NONSENSE = b"\xff\xff\xff"
LARGE = "x" * 2_500_000


@dataclass(frozen=True)
class Inference:
    """One request, and whether its answer is to be a stream."""

    caller: Caller
    network: Proxy
    """What the connection goes through."""
    streamed: bool

    async def begin(self) -> None:
        """Send 40 of 60 tokens; of a whole answer there are none."""
        if self.streamed:
            await self._tokens(SOME)
            # So that what came before the fault is on its way.
            await asyncio.sleep(0.02)

    async def answer(self) -> Any:
        """Answer as a healthy provider does."""
        if not self.streamed:
            return text(TEXT, finish_reason="stop", num_input_tokens=10, num_output_tokens=60)
        await self._tokens(len(WORDS))
        await self.caller.triton(text("", finish_reason="stop", num_input_tokens=10, num_output_tokens=0))
        return None

    async def _tokens(self, count: int) -> None:
        for word in WORDS[:count]:
            await self.caller.triton(text(word, finish_reason="None", num_input_tokens=10, num_output_tokens=1))


Misbehaviour = Callable[[Inference], Awaitable[Any]]


@dataclass(frozen=True)
class Fault:
    """One way to fail: what the provider does with each request (the last stays), and how calls of it alone end."""

    id: str
    behave: tuple[Misbehaviour, ...]
    whole: Ends
    stream: Ends
    policy: RoutePolicy = PATIENT
    overtakes: bool = False
    """Whether it may overtake tokens that are on their way: gRPC drops what was not read when its connection breaks."""


async def healthy(one: Inference) -> Any:
    return await one.answer()


def refusing(code: StatusCode, message: str, **metadata: str) -> Misbehaviour:
    async def behave(one: Inference) -> None:
        said = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        await one.caller.context.abort(code, message, said)

    return behave


async def silence(one: Inference) -> None:
    await one.caller.until_gone()


async def stall(one: Inference) -> None:
    await one.begin()
    await one.caller.until_gone()


async def die(one: Inference) -> None:
    await one.begin()
    await one.caller.context.abort(StatusCode.INTERNAL, "the worker died")


async def error_inside(one: Inference) -> None:
    await one.begin()
    if one.streamed:
        await one.caller.failed("CUDA out of memory")
    else:
        await one.caller.context.abort(StatusCode.INTERNAL, "CUDA out of memory")


async def reset(one: Inference) -> None:
    await one.begin()
    if one.streamed:
        # So that some of it has come, on a busy machine, too: nobody tells this side how far it is.
        await asyncio.sleep(1.0)
    await asyncio.to_thread(one.network.cut)
    await one.caller.until_gone()


async def nonsense(one: Inference) -> Any:
    await one.begin()
    if one.streamed:
        await one.caller.context.write(NONSENSE)
    return NONSENSE


async def too_large(one: Inference) -> Any:
    await one.begin()
    if one.streamed:
        await one.caller.triton(text(LARGE))
    return text(LARGE)


async def no_reason(one: Inference) -> Any:
    """Say everything but why it ended: the end of the call tells."""
    if not one.streamed:
        return text(TEXT)
    for word in WORDS:
        await one.caller.triton(text(word))
    return None


def both(id_: str, behave: tuple[Misbehaviour, ...], ends: Ends, policy: RoutePolicy = PATIENT) -> Fault:
    return Fault(id_, behave, ends, ends, policy)


FAULTS = (
    both("resource-exhausted", (refusing(StatusCode.RESOURCE_EXHAUSTED, "too many"),), LIMITED),
    both(
        "resource-exhausted-with-a-pause",
        (refusing(StatusCode.RESOURCE_EXHAUSTED, "later", grpc_retry_pushback_ms="7000"),),
        LIMITED,
    ),
    both("internal-once", (refusing(StatusCode.INTERNAL, "CUDA error"), healthy), Ends(again=True)),
    both("internal-for-ever", (refusing(StatusCode.INTERNAL, "CUDA error"),), Ends("PROVIDER_FAILED", again=True)),
    both("unavailable", (refusing(StatusCode.UNAVAILABLE, "queue is full"),), Ends("PROVIDER_OVERLOADED")),
    both("unauthenticated", (refusing(StatusCode.UNAUTHENTICATED, "who are you"),), Ends("PROVIDER_CREDENTIAL")),
    both("not-found", (refusing(StatusCode.NOT_FOUND, "unknown model"),), Ends("PROVIDER_MODEL_NOT_FOUND")),
    both(
        "context-length",
        (refusing(StatusCode.INVALID_ARGUMENT, "prompt is too long"),),
        Ends("CONTEXT_LENGTH_EXCEEDED", final=True),
    ),
    both("silence", (silence,), TIMED_OUT, HASTY),
    Fault("stall-in-the-middle", (stall,), TIMED_OUT, LATER_TIMED_OUT, HASTY),
    Fault(
        "status-in-the-middle",
        (die,),
        Ends("PROVIDER_FAILED", again=True),
        Ends("PROVIDER_FAILED", SOME, again=True),
    ),
    Fault(
        "error-inside", (error_inside,), Ends("PROVIDER_FAILED", again=True), Ends("PROVIDER_FAILED", SOME, again=True)
    ),
    Fault("reset-in-the-middle", (reset,), BROKEN, Ends("PROVIDER_CONNECTION", SOME, again=True), overtakes=True),
    Fault("malformed-item", (nonsense,), MALFORMED, Ends("MALFORMED_ANSWER", SOME)),
    Fault("too-large", (too_large,), MALFORMED, Ends("MALFORMED_ANSWER", SOME)),
    both("no-finish-reason", (no_reason,), WHOLE),
)
