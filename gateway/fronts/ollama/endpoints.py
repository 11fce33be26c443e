"""The Ollama front: conversations, prompts, vectors and models, over the engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from airegistry.errors import InternalError, NoCandidateError
from airegistry.invocations.chat import ChatRequest, ChatResponse
from airegistry.invocations.embeddings import EmbeddingsResponse
from airegistry.invocations.invocation import Invocation
from airegistry.invoke import Answered, Engine, Origin
from gateway.fronts.answering import JSON, Streamed, account, send_stream, send_whole, warned
from gateway.fronts.callers import invocation
from gateway.fronts.connection import read_body, while_connected
from gateway.fronts.fields import body_fields
from gateway.fronts.ollama.lines import Lines
from gateway.fronts.ollama.models import show_body, tags_body
from gateway.fronts.ollama.naming import Names
from gateway.fronts.ollama.requests import (
    CHAT,
    EMBED,
    Call,
    EmbedCall,
    native_error,
    read_chat,
    read_embed,
    read_embeddings,
    read_generate,
)
from gateway.fronts.ollama.responses import (
    Envelope,
    chat_body,
    embed_body,
    embeddings_body,
    loaded_body,
    relayed_line,
)

_NDJSON: Final = "application/x-ndjson"
_VERSION: Final = "0.13.0"
"""The version of Ollama's API that this front follows; clients look at it to know what they may ask."""


def ollama_routes(engine: Engine, *, max_body_bytes: int) -> list[Route]:
    """Return the routes of the front."""
    models = Models(engine, max_body_bytes)
    return [
        Route("/api/chat", Conversations(engine, max_body_bytes, read_chat), methods=["POST"]),
        Route("/api/generate", Conversations(engine, max_body_bytes, read_generate), methods=["POST"]),
        Route("/api/embed", Vectors(engine, max_body_bytes, read_embed), methods=["POST"]),
        Route("/api/embeddings", Vectors(engine, max_body_bytes, read_embeddings), methods=["POST"]),
        Route("/api/tags", models.list, methods=["GET"]),
        Route("/api/show", models.show, methods=["POST"]),
        Route("/api/version", show_version, methods=["GET"]),
        Route("/", show_presence, methods=["GET"]),
    ]


class Conversations:
    """`POST /api/chat` and `POST /api/generate`, as lines or, with `stream` false, whole."""

    def __init__(self, engine: Engine, max_body_bytes: int, read: Callable[[bytes], Call]) -> None:
        self._engine = engine
        self._names = Names(engine)
        self._max_body_bytes = max_body_bytes
        self._read = read

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the caller's going away cancels it."""
        body = await read_body(receive, most=self._max_body_bytes)
        call = self._read(body)
        envelope = Envelope(call.model, _now, generates=self._read is read_generate)
        await while_connected(receive, self._answer(call, Origin(CHAT, body), envelope, send))

    async def _answer(self, call: Call, origin: Origin, envelope: Envelope, send: Send) -> None:
        try:
            if call.stream:
                await self._stream(call, origin, envelope, send)
            else:
                await self._whole(call, origin, envelope, send)
        except NoCandidateError as error:
            # Others serve the model, in other formats.
            if error.metadata.keys() != {"dialect"}:
                raise
            if call.native:
                raise native_error(call) from error
            if not call.loads:
                raise
            await send_whole(send, loaded_body(envelope, unloads=call.unloads), {})

    async def _stream(self, call: Call, origin: Origin, envelope: Envelope, send: Send) -> None:
        batches = self._engine.stream(self._invocation(call), origin=origin)
        await send_stream(send, batches, Streamed(Lines(envelope, call.warnings), _NDJSON))

    async def _whole(self, call: Call, origin: Origin, envelope: Envelope, send: Send) -> None:
        answered = await self._engine.invoke(self._invocation(call), origin=origin)
        if answered.wire is not None:
            body = relayed_line(answered.wire, call.model, answered.settlement)
        elif isinstance(answered.output, ChatResponse):
            body = chat_body(answered.output, warned(answered.settlement, call.warnings), envelope)
        else:
            raise InternalError("the answer to a conversation is none")
        await send_whole(send, body, account(answered.settlement))

    def _invocation(self, call: Call) -> Invocation:
        model = self._names.known(call.model)
        if isinstance(call.request, ChatRequest):
            return invocation(model=model, chat=call.request)
        return invocation(model=model, raw=call.request)


class Vectors:
    """`POST /api/embed`, and `POST /api/embeddings`, its older form."""

    def __init__(self, engine: Engine, max_body_bytes: int, read: Callable[[bytes], EmbedCall]) -> None:
        self._engine = engine
        self._names = Names(engine)
        self._max_body_bytes = max_body_bytes
        self._read = read

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the caller's going away cancels it."""
        sent = await read_body(receive, most=self._max_body_bytes)
        call = self._read(sent)
        older = self._read is read_embeddings
        if call.request is None:
            self._names.invocable(call.model)
            nothing = orjson.dumps({"model": call.model, "embeddings": []})
            await send_whole(send, embeddings_body(None) if older else nothing, {})
            return
        asked = invocation(model=self._names.known(call.model), embeddings=call.request)
        origin = None if older else Origin(EMBED, sent)
        answered = await while_connected(receive, self._engine.invoke(asked, origin=origin))
        await send_whole(send, _vectors(answered, call, older=older), account(answered.settlement))


class Models:
    """`GET /api/tags` and `POST /api/show`: what can be written as `model`, routes included."""

    def __init__(self, engine: Engine, max_body_bytes: int) -> None:
        self._engine = engine
        self._names = Names(engine)
        self._max_body_bytes = max_body_bytes

    async def list(self, _request: Request) -> Response:
        """Answer with every model and route that somebody could answer for."""
        return Response(tags_body(self._engine.invocable()), media_type=JSON)

    async def show(self, request: Request) -> Response:
        """Answer with what is known of one of them, by any of its names."""
        fields = body_fields(await read_body(request.receive, most=self._max_body_bytes))
        name = fields.text("model") or fields.text("name")
        found = self._names.invocable(name or fields.needed("model"))
        served = [one.endpoint for one in self._engine.endpoints_of(found.name) if one.endpoint is not None]
        return Response(show_body(found, self._names.models(found), served), media_type=JSON)


async def show_version(_request: Request) -> Response:
    """Answer which version of the API is spoken here."""
    return Response(orjson.dumps({"version": _VERSION}), media_type=JSON)


async def show_presence(_request: Request) -> Response:
    """Answer that somebody is there: the `ollama` command asks (HEAD) before it asks for anything else."""
    return PlainTextResponse("The AI Registry gateway speaks OpenAI's, Anthropic's and Ollama's APIs.")


def _vectors(answered: Answered, call: EmbedCall, *, older: bool) -> bytes:
    if answered.wire is not None:
        return relayed_line(answered.wire, call.model, answered.settlement)
    if not isinstance(answered.output, EmbeddingsResponse):
        raise InternalError("the answer to texts is no vectors")
    if older:
        return embeddings_body(answered.output)
    return embed_body(answered.output, warned(answered.settlement, call.warnings), call.model)


def _now() -> datetime:
    return datetime.now(UTC)
