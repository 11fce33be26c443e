"""All HTTP fronts as one ASGI application; every error has the shape that its callers expect."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airegistry._rpc.carrier import CallObserver
from airegistry._rpc.health import HealthState
from airegistry._rpc.metrics import Metrics
from airegistry._rpc.status_pages import Api, status_routes
from airegistry.errors import NotFoundError, RegistryError
from airegistry.invoke import Engine
from gateway.fronts.anthropic.endpoints import anthropic_routes, speaks_anthropic
from gateway.fronts.anthropic.errors import error_answer as anthropic_error
from gateway.fronts.callers import Callers
from gateway.fronts.connection import CallerGoneError
from gateway.fronts.errors import ErrorAnswer
from gateway.fronts.ollama.endpoints import ollama_routes
from gateway.fronts.ollama.errors import error_answer as ollama_error
from gateway.fronts.openai.endpoints import openai_routes
from gateway.fronts.openai.errors import error_answer
from gateway.fronts.openai_images.endpoints import images_routes
from gateway.fronts.openai_responses.endpoints import responses_routes
from gateway.fronts.shortcut import Shortcut

_FRONTS = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/models",
    "/v1/messages/count_tokens",
    "/v1/messages",
    "/api/chat",
    "/api/generate",
    "/api/embed",
    "/api/embeddings",
    "/api/tags",
    "/api/show",
    "/api/version",
)
_OTHER = "other"
_SHAPES: Mapping[str, Callable[[Exception], ErrorAnswer]] = {
    "/api/": ollama_error,
    "/v1/messages": anthropic_error,
}
"""How errors look below a path, where not as OpenAI's."""
_SHOWN_LENGTH = 200


def fronts(
    engine: Engine,
    health: HealthState,
    metrics: Metrics,
    facts: Callable[[], Mapping[str, Any]],
    *,
    max_body_bytes: int,
) -> ASGIApp:
    """Return the application. `/health` shows *facts*."""
    routes = [
        *status_routes(health, metrics, facts, _api()),
        # Before OpenAI's: both have /v1/models, and this front takes the calls of its own clients alone.
        *anthropic_routes(engine, max_body_bytes=max_body_bytes),
        *openai_routes(engine, max_body_bytes=max_body_bytes),
        *images_routes(engine, max_body_bytes=max_body_bytes),
        *ollama_routes(engine, max_body_bytes=max_body_bytes),
        *responses_routes(engine, max_body_bytes=max_body_bytes),
    ]
    return Fronts(Callers(Shortcut(Router(routes))), metrics.calls)


def _api() -> Api:
    return Api("/gateway/v1/", files("gateway").joinpath("openapi.json").read_bytes())


class Fronts:
    """Serves requests by *app*: each is counted, with its path and its status, and an error becomes an answer."""

    def __init__(self, app: ASGIApp, observer: CallObserver) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # So that routes raise what they refuse, in place of an answer of their own.
        scope["app"] = self
        front = _front(scope.get("path", ""))
        answer = _Answer(send)
        self._observer.call_started(front)
        started = time.monotonic()
        try:
            await self._app(scope, receive, answer.send)
        except CallerGoneError:
            pass
        except Exception as error:
            if answer.status:
                raise
            await _answer_of(Request(scope), error)(scope, receive, answer.send)
            if not isinstance(error, HTTPException | RegistryError):
                # For who serves, to log it.
                raise
        finally:
            self._observer.call_ended(front, answer.status or "499", time.monotonic() - started)


class _Answer:
    """An answer on its way: its status as soon as it has one."""

    __slots__ = ("_send", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = ""

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a part on."""
        if message["type"] == "http.response.start":
            self.status = str(message["status"])
        return self._send(message)


def _front(path: str) -> str:
    return path if path in _FRONTS else next((front for front in _FRONTS if path.startswith(f"{front}/")), _OTHER)


def _shape(request: Request) -> Callable[[Exception], ErrorAnswer]:
    path = request.url.path
    usual = anthropic_error if speaks_anthropic(request.scope) else error_answer
    return next((shape for below, shape in _SHAPES.items() if path.startswith(below)), usual)


def _answer_of(request: Request, error: Exception) -> Response:
    """Return what tells a caller of an error."""
    if isinstance(error, HTTPException):
        return _refusal(request, error)
    answer = _shape(request)(error)
    return Response(answer.body, answer.status, dict(answer.headers))


def _refusal(request: Request, error: HTTPException) -> Response:
    """Answer for what matches no route, or not with this method."""
    headers = dict(error.headers or {})
    if "Allow" in headers:
        # The router names the methods in any order, another one in each process.
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    allowed = f"; it takes {headers['Allow']}" if "Allow" in headers else ""
    where = f"{request.method} {request.url.path[:_SHOWN_LENGTH]}"
    answer = _shape(request)(NotFoundError(f"{where} is nothing that this gateway answers{allowed}"))
    return Response(answer.body, error.status_code, {**answer.headers, **headers})
