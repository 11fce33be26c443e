"""The front of OpenAI's Responses API, over the engine."""

from __future__ import annotations

import time

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from airegistry.errors import InternalError
from airegistry.invocations.chat import ChatResponse
from airegistry.invoke import Engine, Origin
from gateway.fronts.answering import Streamed, account, send_stream, send_whole
from gateway.fronts.callers import invocation
from gateway.fronts.connection import read_body, while_connected
from gateway.fronts.openai.relays import relayed_body
from gateway.fronts.openai_responses.answers import response_body
from gateway.fronts.openai_responses.requests import ResponsesCall, read_responses
from gateway.fronts.openai_responses.streams import ResponseEvents

_DIALECT = "openai.responses"


def responses_routes(engine: Engine, *, max_body_bytes: int) -> list[Route]:
    """Return the routes of the front."""
    return [Route("/v1/responses", Responses(engine, max_body_bytes), methods=["POST"])]


class Responses:
    """`POST /v1/responses`, whole or as server-sent events. Nothing is kept: what an answer says is all there is of it."""

    def __init__(self, engine: Engine, max_body_bytes: int) -> None:
        self._engine = engine
        self._max_body_bytes = max_body_bytes

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the caller's going away cancels it."""
        body = await read_body(receive, most=self._max_body_bytes)
        call = read_responses(body)
        origin = Origin(_DIALECT, None if call.rewrite else body, untranslatable=call.untranslatable)
        answer = self._stream if call.stream else self._whole
        with call.words.spoken():
            await while_connected(receive, answer(call, origin, send))

    async def _whole(self, call: ResponsesCall, origin: Origin, send: Send) -> None:
        answered = await self._engine.invoke(invocation(model=call.model, chat=call.request), origin=origin)
        if answered.wire is not None:
            body = relayed_body(answered.wire, answered.settlement)
        elif isinstance(answered.output, ChatResponse):
            body = response_body(answered.output, answered.settlement, call, int(time.time()))
        else:
            raise InternalError("the answer to a conversation is none")
        await send_whole(send, body, account(answered.settlement))

    async def _stream(self, call: ResponsesCall, origin: Origin, send: Send) -> None:
        batches = self._engine.stream(invocation(model=call.model, chat=call.request), origin=origin)
        await send_stream(send, batches, Streamed(ResponseEvents(call, int(time.time()))))
