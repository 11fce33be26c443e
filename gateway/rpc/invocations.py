"""Invoke, InvokeStream, Explain and ReportFeedback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from airegistry._convert import from_pb, to_pb
from airegistry._rpc.call import Call
from airegistry.errors import RegistryError
from airegistry.invocations.invocation import AttemptList, Invocation
from airegistry.invoke import Engine
from airegistry.invoke.response import response_of
from airegistry.learning.feedback import ReportFeedbackRequest, ReportFeedbackResponse
from airegistry.v1 import gateway_service_pb2 as pb
from gateway.rpc.streaming import response_bytes

Feedback = Callable[[ReportFeedbackRequest], Awaitable[ReportFeedbackResponse]]


class Invocations:
    """The handlers of GatewayService. What callers say of answers is brought to *feedback*, or to the engine itself."""

    def __init__(self, engine: Engine, feedback: Feedback | None = None) -> None:
        self._engine = engine
        self._feedback = feedback

    async def invoke(self, request: Any, call: Call) -> Any:
        """Answer with the whole answer."""
        invocation = _invocation(request)
        try:
            answered = await self._engine.invoke(invocation, deadline=call.time_left())
        except RegistryError as error:
            _tell_attempts(error)
            raise
        return to_pb(response_of(answered), pb.InvokeResponse)

    async def invoke_stream(self, request: Any, call: Call) -> AsyncIterator[bytes]:
        """Answer as the answer is made, all that is ready in one message."""
        batches = self._engine.happenings(
            _invocation(request), deadline=call.time_left(), accept_restart=request.accept_restart
        )
        try:
            async with aclosing(batches):
                async for batch in batches:
                    yield response_bytes(batch)
        except RegistryError as error:
            _tell_attempts(error)
            raise

    async def explain(self, request: Any, _call: Call) -> Any:
        """Answer with what Invoke would do."""
        return to_pb(self._engine.explain(_invocation(request)), pb.ExplainResponse)

    async def report_feedback(self, request: Any, _call: Call) -> Any:
        """Answer with what an answer counts now."""
        feedback = from_pb(ReportFeedbackRequest, request, path="", strict=True)
        if self._feedback is None:
            return to_pb(self._engine.report_feedback(feedback), pb.ReportFeedbackResponse)
        return to_pb(await self._feedback(feedback), pb.ReportFeedbackResponse)


def _invocation(request: Any) -> Invocation:
    return from_pb(Invocation, request.invocation, path="invocation", strict=True)


def _tell_attempts(error: RegistryError) -> None:
    """Let an error tell the caller what was attempted."""
    if error.attempts:
        error.details = (*error.details, to_pb(AttemptList(error.attempts), pb.AttemptList))
