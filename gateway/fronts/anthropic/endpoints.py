"""The Anthropic front: messages, the count of their tokens, and models, over the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from airegistry._ids import new_id
from airegistry.errors import InternalError, ModelNotFoundError
from airegistry.invocations.chat import ChatResponse
from airegistry.invocations.invocation import Invocation
from airegistry.invoke import Engine, Origin
from gateway.fronts.answering import JSON, Streamed, account, send_stream, send_whole
from gateway.fronts.anthropic.errors import REQUEST_ID, new_request_id
from gateway.fronts.anthropic.models import model_value, page_body
from gateway.fronts.anthropic.relays import relayed_body
from gateway.fronts.anthropic.requests import MessageCall, read_messages
from gateway.fronts.anthropic.responses import Envelope, count_body, message_body
from gateway.fronts.anthropic.streams import MessageEvents
from gateway.fronts.callers import invocation
from gateway.fronts.connection import read_body, while_connected

VERSION: Final = "anthropic-version"
"""The header that every client of Anthropic's API sends, and that of no other."""

_BETA: Final = "anthropic-beta"
_DIALECT: Final = "anthropic.messages"


def anthropic_routes(engine: Engine, *, max_body_bytes: int) -> list[Route]:
    """Return the routes of the front; those that another front has too take only the calls of Anthropic's clients."""
    models = Models(engine)
    return [
        Route("/v1/messages", Messages(engine, max_body_bytes), methods=["POST"]),
        Route("/v1/messages/count_tokens", TokenCount(engine, max_body_bytes), methods=["POST"]),
        _OurClients("/v1/models", models.list, methods=["GET"]),
        _OurClients("/v1/models/{model:path}", models.get, methods=["GET"]),
    ]


class _OurClients(Route):
    """A route for those who speak this format, at an address where others speak another."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and not speaks_anthropic(scope):
            return Match.NONE, {}
        return super().matches(scope)


def speaks_anthropic(scope: Scope) -> bool:
    """Whether a request comes from a client of Anthropic's API."""
    return any(name == VERSION.encode() for name, _ in scope["headers"])


class Messages:
    """`POST /v1/messages`, whole or as server-sent events."""

    def __init__(self, engine: Engine, max_body_bytes: int) -> None:
        self._engine = engine
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the caller's going away cancels it."""
        body = await read_body(receive, most=self._max_body_bytes)
        call = read_messages(body)
        envelope = Envelope(f"msg_{new_id()}", call.model)
        answer = self._stream if call.stream else self._whole
        await while_connected(receive, answer(call, _origin(scope, call, body), envelope, send))

    async def _whole(self, call: MessageCall, origin: Origin, envelope: Envelope, send: Send) -> None:
        answered = await self._engine.invoke(_invocation(call), origin=origin)
        if answered.wire is not None:
            body = relayed_body(answered.wire, answered.settlement)
        elif isinstance(answered.output, ChatResponse):
            body = message_body(answered.output, answered.settlement, envelope)
        else:
            raise InternalError("the answer to a conversation is none")
        await send_whole(send, body, {**account(answered.settlement), **_identity()})

    async def _stream(self, call: MessageCall, origin: Origin, envelope: Envelope, send: Send) -> None:
        batches = self._engine.stream(_invocation(call), origin=origin)
        await send_stream(send, batches, Streamed(MessageEvents(envelope), headers=_identity()))


class TokenCount:
    """`POST /v1/messages/count_tokens`: counted by who would answer, else estimated, and said so."""

    def __init__(self, engine: Engine, max_body_bytes: int) -> None:
        self._engine = engine
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the caller's going away cancels it."""
        body = await read_body(receive, most=self._max_body_bytes)
        call = read_messages(body)
        work = self._engine.count_tokens(_invocation(call), origin=_origin(scope, call, body))
        counted = await while_connected(receive, work)
        headers = {**(account(counted.settlement) if counted.settlement is not None else {}), **_identity()}
        if counted.estimated:
            headers["x-airegistry-estimated"] = "true"
        await send_whole(send, count_body(counted), headers)


class Models:
    """`GET /v1/models`: what can be written as `model`, routes included."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list(self, request: Request) -> Response:
        """Answer with a page of the models and routes that somebody could answer for."""
        return _json(page_body(self._engine.invocable(), request.query_params))

    async def get(self, request: Request) -> Response:
        """Answer with one of them, by any of its names."""
        text = request.path_params["model"]
        found = self._engine.resolve(text)
        if all(resource.name != found.name for resource in self._engine.invocable()):
            raise ModelNotFoundError(f"nobody serves {found.name}", metadata={"model": found.name})
        return _json(orjson.dumps(model_value(found, text)))


def _invocation(call: MessageCall) -> Invocation:
    return invocation(model=call.model, chat=call.request)


def _origin(scope: Scope, call: MessageCall, body: bytes) -> Origin:
    """Return a request as its caller wrote it: the fields of a beta mean nothing without the header that names it."""
    betas = [value.decode("latin-1") for name, value in scope["headers"] if name == _BETA.encode()]
    headers = {_BETA: ",".join(betas)} if betas else {}
    return Origin(_DIALECT, body, headers=headers, untranslatable=call.vital, lost=call.warnings)


def _identity() -> Mapping[str, str]:
    return {REQUEST_ID: new_request_id()}


def _json(body: bytes) -> Response:
    return Response(body, media_type=JSON, headers=dict(_identity()))
