"""What a model answered, whole or piece by piece, and what that used and cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Self

from airegistry.errors import MalformedAnswerError
from airegistry.invocations.assembling import Assembler
from airegistry.invocations.chat import ChatResponse
from airegistry.invocations.invocation import InvokeEvent, InvokeResponse, Settlement
from airegistry.invocations.usage import CostState, Usage
from airegistry.manifests import usd


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """One answer; as text it is what the model said.

    `chat` is the whole of it, with tool calls and why it ended; `settlement` the account, with every attempt.
    """

    chat: ChatResponse
    settlement: Settlement

    @property
    def text(self) -> str:
        """The text of the answer; empty where it has none."""
        return self.chat.text

    @property
    def by(self) -> str:
        """Who answered: the full name of an endpoint."""
        return self.settlement.target

    @property
    def usage(self) -> Usage | None:
        """The tokens it used; None where nobody told."""
        return self.settlement.usage

    @property
    def cost(self) -> Decimal | None:
        """What it cost in US dollars, exactly; None: unknown. Where `cost_state` is PARTIAL, it cost at least that."""
        cost = self.settlement.cost
        if cost is None or cost.nanos is None or cost.state not in (CostState.KNOWN, CostState.PARTIAL):
            return None
        return Decimal(usd(cost.nanos))

    @property
    def cost_state(self) -> CostState:
        """Whether the cost is known, a part of it, or not."""
        cost = self.settlement.cost
        return cost.state if cost is not None and cost.state is not None else CostState.UNKNOWN

    def __str__(self) -> str:
        return self.text


class AnswerStream:
    """An answer as it is made: iterate over the pieces of its text; then `answer` is the whole, with usage and cost.

    As a context manager it ends the call however the block is left; without one, call `aclose` after leaving the loop early.
    """

    def __init__(self, events: AsyncGenerator[InvokeEvent, None]) -> None:
        self._events = events
        self._assembler = Assembler()
        self._settlement: Settlement | None = None

    @property
    def answer(self) -> ModelAnswer:
        """The whole answer. Raises RuntimeError while it is not whole."""
        if self._settlement is None:
            raise RuntimeError("the answer is not whole yet: iterate over it to its end first")
        return ModelAnswer(self._assembler.response(), self._settlement)

    async def aclose(self) -> None:
        """End the call, if it has not ended."""
        await self._events.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while True:
            piece = self._take(await anext(self._events))
            if piece:
                return piece

    def _take(self, event: InvokeEvent) -> str:
        """Take an event in, and return the text that it adds to the first answer."""
        if event.started is not None:
            self._assembler.add(event.started)
        if event.end is not None:
            self._settlement = event.end.settlement or Settlement()
        delta = event.chat_delta
        if delta is None:
            return ""
        self._assembler.add(delta)
        return (delta.text or "") if delta.choice_index == 0 else ""


def answer_of(response: InvokeResponse) -> ModelAnswer:
    """Return the answer in a response. Raises MalformedAnswerError where it is no conversation."""
    if response.chat is None:
        raise MalformedAnswerError("what answered is no conversation")
    return ModelAnswer(response.chat, response.settlement or Settlement())
