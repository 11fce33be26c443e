"""The OpenAI front: chat completions, embeddings and models, over the engine."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from airegistry.errors import InternalError, ModelNotFoundError, RegistryError
from airegistry.invocations.chat import ChatResponse
from airegistry.invocations.embeddings import EmbeddingsResponse
from airegistry.invocations.invocation import AttemptStarted, Invocation, InvokeEvent, Settlement
from airegistry.invoke import Engine, Origin
from airegistry.resources.resource import Resource
from gateway.fronts.connection import read_body, while_connected
from gateway.fronts.openai.relays import relayed_body, relayed_event
from gateway.fronts.openai.requests import ChatCall, read_chat, read_embeddings
from gateway.fronts.openai.responses import (
    Envelope,
    ListedModel,
    chat_body,
    embeddings_body,
    model_body,
    model_list_body,
)
from gateway.fronts.openai.streams import ChatEvents, failure_event

_CHAT = "openai.chat"
_EMBEDDINGS = "openai.embeddings"
_JSON = "application/json"
_EVENT_STREAM = "text/event-stream; charset=utf-8"


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
        envelope = Envelope(f"chatcmpl-{uuid.uuid4().hex}", int(time.time()), call.model)
        answer = self._stream if call.stream else self._whole
        await while_connected(receive, answer(call, Origin(_CHAT, body), envelope, send))

    async def _whole(self, call: ChatCall, origin: Origin, envelope: Envelope, send: Send) -> None:
        answered = await self._engine.invoke(Invocation(model=call.model, chat=call.request), origin=origin)
        if answered.wire is not None:
            body = relayed_body(answered.wire, answered.settlement)
            await _send_whole(send, body, _account(answered.settlement))
            return
        if not isinstance(answered.output, ChatResponse):
            raise InternalError("the answer to a conversation is none")
        settlement = _warned(answered.settlement, call)
        await _send_whole(send, chat_body(answered.output, settlement, envelope), _account(settlement))

    async def _stream(self, call: ChatCall, origin: Origin, envelope: Envelope, send: Send) -> None:
        """Send events. A failure before the first one raises, and becomes a status; a later one is the last event."""
        writer = ChatEvents(envelope, include_usage=call.include_usage)
        invocation = Invocation(model=call.model, chat=call.request)
        async with aclosing(self._engine.stream(invocation, origin=origin)) as batches:
            batch: Sequence[InvokeEvent] = await anext(batches)
            await _send_head(send, _EVENT_STREAM, {"cache-control": "no-store", **_beginning(batch)})
            try:
                await _send_part(send, _written(writer, batch, call))
                async for batch in batches:
                    await _send_part(send, _written(writer, batch, call))
            except RegistryError as error:
                await _send_part(send, failure_event(error))
        await send({"type": "http.response.body", "body": b""})


class Embeddings:
    """`POST /v1/embeddings`."""

    def __init__(self, engine: Engine, max_body_bytes: int) -> None:
        self._engine = engine
        self._max_body_bytes = max_body_bytes

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the caller's going away cancels it."""
        sent = await read_body(receive, most=self._max_body_bytes)
        call = read_embeddings(sent)
        invocation = Invocation(model=call.model, embeddings=call.request)
        work = self._engine.invoke(invocation, origin=Origin(_EMBEDDINGS, sent))
        answered = await while_connected(receive, work)
        if answered.wire is not None:
            body = relayed_body(answered.wire, answered.settlement)
            await _send_whole(send, body, _account(answered.settlement))
            return
        if not isinstance(answered.output, EmbeddingsResponse):
            raise InternalError("the answer to texts is no vectors")
        envelope = Envelope("", 0, call.model)
        body = embeddings_body(answered.output, answered.settlement, envelope, as_base64=call.base64)
        await _send_whole(send, body, _account(answered.settlement))


class Models:
    """`GET /v1/models`: what can be written as `model`, routes included."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list(self, _request: Request) -> Response:
        """Answer with every model and route that somebody could answer for."""
        listed = model_list_body(map(_listed, self._engine.invocable()))
        return Response(listed, media_type=_JSON)

    async def get(self, request: Request) -> Response:
        """Answer with one of them, by any of its names."""
        text = request.path_params["model"]
        found = self._engine.resolve(text)
        if all(resource.name != found.name for resource in self._engine.invocable()):
            raise ModelNotFoundError(f"nobody serves {found.name}", metadata={"model": found.name})
        return Response(model_body(replace(_listed(found), id=text)), media_type=_JSON)


def _listed(resource: Resource) -> ListedModel:
    created = int(resource.create_time.timestamp()) if resource.create_time is not None else 0
    owner = resource.model.publisher if resource.model is not None else "airegistry"
    return ListedModel(resource.name.partition("/")[2], created, owner or "unknown")


def _written(writer: ChatEvents, batch: Sequence[InvokeEvent], call: ChatCall) -> bytes:
    parts = [writer.write(event.chat_delta) for event in batch if event.chat_delta is not None]
    relayed = [event.raw.body for event in batch if event.raw is not None]
    end = batch[-1].end
    if end is None:
        parts += map(relayed_event, relayed)
    else:
        settlement = end.settlement or Settlement()
        parts.append(writer.end(settlement if relayed else _warned(settlement, call), relayed))
    return b"".join(parts)


def _warned(settlement: Settlement, call: ChatCall) -> Settlement:
    """Add to an account what was lost between the caller's words and the canonical request."""
    return replace(settlement, warnings=(*call.warnings, *settlement.warnings))


def _account(settlement: Settlement) -> Mapping[str, str]:
    """Return the headers that say who answered."""
    facts = {
        "x-airegistry-target": settlement.target,
        "x-airegistry-route": settlement.route,
        "x-airegistry-attempts": str(len(settlement.attempts)),
        "x-airegistry-revision": str(settlement.revision),
        "x-airegistry-stale": "true" if settlement.stale else "",
    }
    return {name: value for name, value in facts.items() if value}


def _beginning(batch: Sequence[InvokeEvent]) -> Mapping[str, str]:
    """Return the headers that can be known when an answer begins."""
    started = next((event.started for event in batch if event.started is not None), AttemptStarted())
    return {"x-airegistry-target": started.target, "x-airegistry-attempts": str(started.attempt)}


async def _send_whole(send: Send, body: bytes, headers: Mapping[str, str]) -> None:
    await _send_head(send, _JSON, {"content-length": str(len(body)), **headers})
    await send({"type": "http.response.body", "body": body})


async def _send_head(send: Send, media_type: str, headers: Mapping[str, str]) -> None:
    lines = [(name.encode(), value.encode()) for name, value in {"content-type": media_type, **headers}.items()]
    await send({"type": "http.response.start", "status": 200, "headers": lines})


async def _send_part(send: Send, data: bytes) -> None:
    if data:
        await send({"type": "http.response.body", "body": data, "more_body": True})
