"""One attempt on the wire: a request out, and its answer as it comes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any

from airegistry._making import quickly_made
from airegistry.dialects.auth import authorize
from airegistry.dialects.exchange import Answer
from airegistry.errors import ProviderError
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.kinds import AgentTaskResponse
from airegistry.invocations.streaming import (
    ExtraSeen,
    OnePiece,
    Piece,
    StreamItem,
    StreamStarted,
    TextRun,
    UsageSeen,
    WireSeen,
    is_token,
)
from airegistry.invocations.usage import Usage
from airegistry.invoke.attempts.asking import Ask
from airegistry.invoke.attempts.hold_back import HoldBack
from airegistry.invoke.budgets import Budget
from airegistry.invoke.credentials import KeyPair, Proof, Secret
from airegistry.invoke.transport import Reply, Transport

_SUCCESS = range(200, 300)
_NOTHING_SAID = StreamStarted()
_PIECES = (ChatDelta, TextRun, AgentTaskResponse, WireSeen)


@quickly_made
@dataclass(frozen=True, slots=True)
class Times:
    """How long each phase may take, in seconds."""

    connect: float
    first_token: float
    idle: float


class Exchange:
    """One attempt: it asks once, and keeps what is known of the answer, however it ends."""

    def __init__(self, ask: Ask, times: Times, budget: Budget, now: Callable[[], float], number: int = 1) -> None:
        self.ask = ask
        self.number = number
        self._times = times
        self._budget = budget
        self._now = now
        self.started_at = now()
        self.first_token_at: float | None = None
        self.http_status = 0
        self.head = _NOTHING_SAID
        self.usage: Usage | None = None
        self.answer: Answer | None = None
        self.wire: bytes | None = None
        """The whole answer as the provider wrote it, for a caller of the same format."""
        self.warnings: list[FieldWarning] = list(ask.encoded.warnings)
        self.extra: dict[str, Any] = {}
        self.tokens = 0
        self.characters = 0
        self._silence = 0.0
        self.finished = False
        """The answer came to its proper end; what `stream` yields after that is its last part."""

    async def fetch(self, transport: Transport, proof: Proof | None) -> None:
        """Get a whole answer, or raise the ProviderError that came instead."""
        with self._budget.within(self._first_token_left, self._no_answer):
            async with self._sending(transport, proof) as reply:
                self.http_status = reply.status
                if reply.status not in _SUCCESS:
                    raise await self._refusal(reply)
                body = await reply.body()
        answer = self.ask.dialect.decode(self.ask.request, reply.status, reply.headers, body)
        self.first_token_at = self._now()
        self.answer, self.usage = answer, answer.usage
        if self.ask.relay:
            self.wire = body
        else:
            self.warnings.extend(answer.warnings)
        self.finished = True

    async def stream(
        self, transport: Transport, proof: Proof | None, hold: HoldBack
    ) -> AsyncGenerator[list[Piece], None]:
        """Yield the parts of a streamed answer, all that are ready together, once *hold* lets them go.

        Raises a ProviderError unless the answer comes to its proper end.
        """
        decoder = self.ask.dialect.decoder(self.ask.request, relay=self.ask.relay)
        async with AsyncExitStack() as stack:
            with self._budget.within(self._first_token_left, self._no_answer):
                reply = await stack.enter_async_context(self._sending(transport, proof))
                self.http_status = reply.status
                if reply.status not in _SUCCESS:
                    raise await self._refusal(reply)
            ready: list[Piece] = []
            while not decoder.finished:
                if ready:
                    yield ready
                data = await self._next(reply, hold)
                ready = hold.release() if data is None else hold.add(self._noted(decoder.feed(data)))
                if data == b"":
                    break
            try:
                closing = decoder.close()
            except ProviderError:
                # What came with the failure, before it, is passed on first.
                if ready:
                    yield ready
                raise
            last = [*ready, *hold.add(self._noted(closing)), *hold.release()]
            self.finished = True
            await reply.drain()
        yield last

    def _sending(self, transport: Transport, proof: Proof | None) -> AbstractAsyncContextManager[Reply]:
        """Send the request for as long as the block runs."""
        communication = self.ask.target.endpoint.communication
        auth = communication.auth if communication is not None else None
        call = authorize(self.ask.encoded.call, auth, proof.reveal() if isinstance(proof, Secret) else None)
        left = self._budget.left
        return transport.send(
            call,
            connect_timeout=self._times.connect,
            left=None if math.isinf(left) else left,
            identity=proof if isinstance(proof, KeyPair) else None,
        )

    async def _refusal(self, reply: Reply) -> ProviderError:
        """Return the error that came instead of an answer."""
        return self.ask.dialect.error(reply.status, reply.headers, await reply.beginning())

    async def _next(self, reply: Reply, hold: HoldBack) -> bytes | None:
        """Return the next bytes, empty at the end; None when what is held must go on before they come."""
        began = self._now()
        try:
            return await self._chunk(reply, hold)
        finally:
            # Only what was waited for the provider: a caller that reads slowly makes it no slower.
            self._silence += self._now() - began

    async def _chunk(self, reply: Reply, hold: HoldBack) -> bytes | None:
        if self.first_token_at is None:
            limit, lapse = self._first_token_left, self._no_first_token
        else:
            # Bytes that bring no token (pings) do not begin it anew.
            limit, lapse = max(0.0, self._times.idle - self._silence), self._no_further_token
        wait = hold.wait
        if wait is None or wait >= min(limit, self._budget.left):
            with self._budget.within(limit, lapse):
                return await reply.chunk()
        try:
            async with asyncio.timeout(wait):
                return await reply.chunk()
        except TimeoutError:
            return None

    def _noted(self, items: list[StreamItem]) -> list[Piece]:
        """Keep what is known from *items*, and return those that the caller gets."""
        passed: list[Piece] = []
        tokens = characters = 0
        for item in items:
            if not isinstance(item, _PIECES):
                self._note(item)
                continue
            passed.append(item)
            if isinstance(item, ChatDelta) and item.text:
                # As nearly every piece is.
                tokens += 1
                characters += len(item.text)
            elif isinstance(item, TextRun):
                tokens += len(item.texts)
                characters += sum(map(len, item.texts))
            elif is_token(item):
                tokens += 1
                characters += _length(item)
        if tokens:
            self.tokens += tokens
            self.characters += characters
            self._silence = 0.0
            if self.first_token_at is None:
                self.first_token_at = self._now()
        return passed

    def _note(self, item: StreamStarted | UsageSeen | ExtraSeen | FieldWarning) -> None:
        match item:
            case UsageSeen(usage):
                self.usage = usage
            case StreamStarted():
                self.head = item
            case FieldWarning():
                self.warnings.append(item)
            case ExtraSeen(extra):
                self.extra.update(extra)

    @property
    def _first_token_left(self) -> float:
        return max(0.0, self.started_at + self._times.first_token - self._now())

    def _no_answer(self) -> str:
        return f"no answer within {self._times.first_token:g} s"

    def _no_first_token(self) -> str:
        return f"no first token within {self._times.first_token:g} s"

    def _no_further_token(self) -> str:
        return f"no further token within {self._times.idle:g} s"


def _length(piece: OnePiece) -> int:
    return len(piece.text or piece.thinking or piece.tool_call_arguments or "") if isinstance(piece, ChatDelta) else 0
