"""The client of GatewayService."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc

from airegistry._convert import from_pb, to_pb
from airegistry._rpc.channel import answered, answers, open_channel
from airegistry.invocations.invocation import Invocation, InvokeEvent, InvokeResponse, InvokeStreamResponse
from airegistry.learning.feedback import ReportFeedbackRequest, ReportFeedbackResponse
from airegistry.routing.explanation import ExplainResponse
from airegistry.v1 import gateway_service_pb2 as pb
from airegistry.v1.gateway_service_pb2_grpc import GatewayServiceStub

if TYPE_CHECKING:
    # It exists in the stub file only.
    from airegistry.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

GATEWAY_ADDRESS = "127.0.0.1:50052"
TIMEOUT = 600.0
"""Seconds that an invocation may take unless the client was made with another timeout."""


class GatewayClient:
    """Invokes models and agents. It connects at the first call; close it, or use it as a context manager.

    Every call raises `airegistry.errors.RegistryError`, and has a deadline, in seconds, which is also the provider's.
    """

    def __init__(
        self,
        address: str = GATEWAY_ADDRESS,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._gateway = open_channel(address, credentials)
        self._gateway_stub: GatewayServiceAsyncStub = GatewayServiceStub(self._gateway)
        self._gateway_timeout = timeout

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all calls and the connection."""
        await self._gateway.close(None)

    async def invoke(self, invocation: Invocation, *, deadline: float | None = None) -> InvokeResponse:
        """Send one request to the best candidate, and to others when it fails, and return the whole answer."""
        request = pb.InvokeRequest(invocation=to_pb(invocation, pb.Invocation))
        response = await answered(self._gateway_stub.Invoke(request, timeout=deadline or self._gateway_timeout))
        return from_pb(InvokeResponse, response)

    async def invoke_stream(
        self, invocation: Invocation, *, accept_restart: bool = False, deadline: float | None = None
    ) -> AsyncGenerator[InvokeEvent, None]:
        """Iterate over an answer as it is made; the last event of a good answer has `end`.

        Leaving the loop early cancels the call. With *accept_restart*, a `restarted` event means: discard what came.
        """
        request = pb.InvokeStreamRequest(invocation=to_pb(invocation, pb.Invocation), accept_restart=accept_restart)
        call = self._gateway_stub.InvokeStream(request, timeout=deadline or self._gateway_timeout)
        async with aclosing(answers(call)) as responses:
            async for response in responses:
                for event in from_pb(InvokeStreamResponse, response).events:
                    yield event

    async def explain(self, invocation: Invocation, *, deadline: float | None = None) -> ExplainResponse:
        """Say what Invoke would do, without doing it: every candidate with its score, or why it is excluded."""
        request = pb.ExplainRequest(invocation=to_pb(invocation, pb.Invocation))
        response = await answered(self._gateway_stub.Explain(request, timeout=deadline or self._gateway_timeout))
        return from_pb(ExplainResponse, response)

    async def report_feedback(
        self, feedback: ReportFeedbackRequest, *, deadline: float | None = None
    ) -> ReportFeedbackResponse:
        """Say how good the answer to a call was, by the `call_id` of its settlement, so that selection learns from it.

        What is said again replaces what was said of the same field. Raises NotFoundError for a call that is not known, or no more.
        """
        request = to_pb(feedback, pb.ReportFeedbackRequest)
        response = await answered(self._gateway_stub.ReportFeedback(request, timeout=deadline or self._gateway_timeout))
        return from_pb(ReportFeedbackResponse, response)
