"""The OpenAI front: chat completions, embeddings and models, over the engine."""

from __future__ import annotations

import time
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from airegistry._ids import new_id
from airegistry.errors import InternalError, ModelNotFoundError
from airegistry.invocations.chat import ChatResponse
from airegistry.invocations.embeddings import EmbeddingsResponse
from airegistry.invoke import Engine, Origin
from airegistry.resources.resource import Resource
from gateway.fronts.answering import JSON, Streamed, account, send_stream, send_whole, warned
from gateway.fronts.callers import invocation
from gateway.fronts.connection import read_body, while_connected
from gateway.fronts.openai.relays import relayed_body
from gateway.fronts.openai.requests import ChatCall, read_chat, read_embeddings
from gateway.fronts.openai.responses import (
    Envelope,
    ListedModel,
    chat_body,
    embeddings_body,
    model_body,
    model_list_body,
)
from gateway.fronts.openai.streams import ChatEvents

_CHAT = "openai.chat"
_EMBEDDINGS = "openai.embeddings"


def openai_routes(engine: Engine, *, max_body_bytes: int) -> list[Route]:
    """Return the routes of the front."""
    models = Models(engine)
    return [
        Route("/v1/chat/completions", ChatCompletions(engine, max_body_bytes), methods=["POST"]),
        Route("/v1/embeddings", Embeddings(engine, max_body_bytes), methods=["POST"]),
        Route("/v1/models", models.list, methods=["GET"]),
        Route("/v1/models/{model:path}", models.get, methods=["GET"]),
    ]


class ChatCompletions:
    """`POST /v1/chat/completions`, whole or as server-sent events."""

    def __init__(self, engine: Engine, max_body_bytes: int) -> None:
        self._engine = engine
        self._max_body_bytes = max_body_bytes

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the caller's going away cancels it."""
        body = await read_body(receive, most=self._max_body_bytes)
        call = read_chat(body)
        envelope = Envelope(f"chatcmpl-{new_id()}", int(time.time()), call.model)
        answer = self._stream if call.stream else self._whole
        await while_connected(receive, answer(call, Origin(_CHAT, body), envelope, send))

    async def _whole(self, call: ChatCall, origin: Origin, envelope: Envelope, send: Send) -> None:
        answered = await self._engine.invoke(invocation(model=call.model, chat=call.request), origin=origin)
        if answered.wire is not None:
            body = relayed_body(answered.wire, answered.settlement)
        elif isinstance(answered.output, ChatResponse):
            body = chat_body(answered.output, warned(answered.settlement, call.warnings), envelope)
        else:
            raise InternalError("the answer to a conversation is none")
        await send_whole(send, body, account(answered.settlement))

    async def _stream(self, call: ChatCall, origin: Origin, envelope: Envelope, send: Send) -> None:
        batches = self._engine.stream(invocation(model=call.model, chat=call.request), origin=origin)
        writer = ChatEvents(envelope, include_usage=call.include_usage, warnings=call.warnings)
        await send_stream(send, batches, Streamed(writer))


class Embeddings:
    """`POST /v1/embeddings`."""

    def __init__(self, engine: Engine, max_body_bytes: int) -> None:
        self._engine = engine
        self._max_body_bytes = max_body_bytes

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the caller's going away cancels it."""
        sent = await read_body(receive, most=self._max_body_bytes)
        call = read_embeddings(sent)
        asked = invocation(model=call.model, embeddings=call.request)
        work = self._engine.invoke(asked, origin=Origin(_EMBEDDINGS, sent))
        answered = await while_connected(receive, work)
        if answered.wire is not None:
            body = relayed_body(answered.wire, answered.settlement)
        elif isinstance(answered.output, EmbeddingsResponse):
            envelope = Envelope("", 0, call.model)
            body = embeddings_body(answered.output, answered.settlement, envelope, as_base64=call.base64)
        else:
            raise InternalError("the answer to texts is no vectors")
        await send_whole(send, body, account(answered.settlement))


class Models:
    """`GET /v1/models`: what can be written as `model`, routes included."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list(self, _request: Request) -> Response:
        """Answer with every model and route that somebody could answer for."""
        listed = model_list_body(map(_listed, self._engine.invocable()))
        return Response(listed, media_type=JSON)

    async def get(self, request: Request) -> Response:
        """Answer with one of them, by any of its names."""
        text = request.path_params["model"]
        found = self._engine.resolve(text)
        if all(resource.name != found.name for resource in self._engine.invocable()):
            raise ModelNotFoundError(f"nobody serves {found.name}", metadata={"model": found.name})
        return Response(model_body(replace(_listed(found), id=text)), media_type=JSON)


def _listed(resource: Resource) -> ListedModel:
    created = int(resource.create_time.timestamp()) if resource.create_time is not None else 0
    owner = resource.model.publisher if resource.model is not None else "airegistry"
    return ListedModel(resource.name.partition("/")[2], created, owner or "unknown")
