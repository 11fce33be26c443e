"""The HTTP application: one handler per URL, errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from demo_backend import replies
from demo_backend.cards import CARDS, EMBEDDING
from demo_backend.chat import Answer
from demo_backend.errors import ApiError
from demo_backend.fields import Fields, fields_from_json
from demo_backend.requests import (
    chat_request_from,
    check_context,
    embeddings_request_from,
    model_card,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy as np
    import numpy.typing as npt
    from starlette.types import Receive, Scope, Send

    from demo_backend.chat import Choice
    from demo_backend.models import Models
    from demo_backend.requests import EmbeddingsRequest
    from demo_backend.running import Running
    from demo_backend.settings import Behaviour, Settings
    from demo_backend.stops import Token


class Json(Response):
    """A JSON answer."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the body."""
        return replies.json_bytes(content)


class Backend:
    """The handlers and what they share."""

    def __init__(self, models: Models, running: Running, settings: Settings, behaviour: Behaviour) -> None:
        self._models = models
        self._running = running
        self._settings = settings
        self._behaviour = behaviour
        self._created = int(time.time())
        # The same failures after each start.
        self._luck = random.Random(0)

    def routes(self) -> list[Route]:
        """Return the URLs served."""
        return [
            Route("/v1/chat/completions", self.chat_completions, methods=["POST"]),
            Route("/v1/embeddings", self.embeddings, methods=["POST"]),
            Route("/v1/models", self.list_models, methods=["GET"]),
            Route("/v1/models/{model}", self.get_model, methods=["GET"]),
            Route("/health", self.health, methods=["GET"]),
        ]

    async def chat_completions(self, request: Request) -> Response:
        """Answer a conversation, whole or as a stream."""
        self._fail_sometimes()
        answer = Answer(self._models, chat_request_from(await self._body(request)))
        reply = replies.ChatReply(answer, id_=f"chatcmpl-{uuid.uuid4().hex}", created=int(time.time()))
        if answer.request.stream:
            return EventStream(self._running, self._events(answer, reply))
        with self._running.lend():
            return Json(await self._running.finish(request.receive, self._whole(answer, reply)))

    async def embeddings(self, request: Request) -> Response:
        """Answer with one vector per input."""
        self._fail_sometimes()
        asked = embeddings_request_from(await self._body(request))
        with self._running.lend():
            return Json(await self._running.finish(request.receive, self._vectors(asked)))

    async def list_models(self, _request: Request) -> Response:
        """List the models."""
        return Json(
            {
                "object": "list",
                "data": [replies.model(card, self._created) for card in CARDS.values()],
            }
        )

    async def get_model(self, request: Request) -> Response:
        """Describe one model."""
        return Json(replies.model(model_card(request.path_params["model"]), self._created))

    async def health(self, _request: Request) -> Response:
        """Say that the server answers, and how many requests it is working on."""
        return Json({"status": "ok", "running": self._running.count})

    def _fail_sometimes(self) -> None:
        if self._luck.random() < self._behaviour.failure_rate:
            raise ApiError(502, "This server fails sometimes, as it was told to.")

    async def _body(self, request: Request) -> Fields:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._settings.max_body:
                raise ApiError(
                    413,
                    f"The request body is larger than {self._settings.max_body} bytes.",
                    code="request_too_large",
                )
        return fields_from_json(bytes(body))

    async def _written(self, answer: Answer) -> AsyncIterator[tuple[Choice, list[Token]]]:
        """Let all choices write at the same pace until the last has finished."""
        unfinished = answer.choices
        while unfinished:
            await asyncio.sleep(self._behaviour.token_delay)
            for choice in unfinished:
                yield choice, choice.advance()
            unfinished = [choice for choice in unfinished if choice.finish_reason is None]

    async def _whole(self, answer: Answer, reply: replies.ChatReply) -> dict[str, Any]:
        written: list[list[Token]] = [[] for _ in answer.choices]
        async for choice, tokens in self._written(answer):
            written[choice.index] += tokens
        return reply.whole(written)

    async def _events(self, answer: Answer, reply: replies.ChatReply) -> AsyncIterator[bytes]:
        for choice in answer.choices:
            yield reply.opening(choice)
        async for choice, tokens in self._written(answer):
            if tokens:
                yield reply.tokens(choice, tokens)
            if choice.finish_reason is not None:
                yield reply.ending(choice)
        if answer.request.include_usage:
            yield reply.usage()
        yield replies.DONE

    async def _vectors(self, asked: EmbeddingsRequest) -> dict[str, Any]:
        vectors: list[npt.NDArray[np.float64]] = []
        total = 0
        for index, text in enumerate(asked.inputs):
            tokens = len(self._models.vocabulary.encode(text))
            check_context(EMBEDDING, tokens, 0, f"input[{index}]")
            total += tokens
            vectors.append(self._models.lsa.embed(text, asked.dimensions))
            # A long list must not hold up the streams of others.
            await asyncio.sleep(0)
        return replies.embeddings(vectors, total, as_base64=asked.base64)


class EventStream(Response):
    """A streamed answer. It takes its place when it starts, so one that never starts cannot keep it."""

    def __init__(self, running: Running, events: AsyncIterator[bytes]) -> None:
        super().__init__(media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        del self.headers["Content-Length"]
        self._running = running
        self._events = events

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the last, until the client goes, or until the server closes."""
        with self._running.lend():
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            try:
                await self._running.finish(receive, self._send(send))
            except ClientDisconnect:
                return
            except ApiError as error:
                # The status is sent already; without [DONE] nobody takes the answer for a whole one.
                await _send_part(send, replies.event(error.body()))
            await send({"type": "http.response.body"})

    async def _send(self, send: Send) -> None:
        async for data in self._events:
            await _send_part(send, data)


async def _send_part(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


async def _failed(request: Request, error: Exception) -> Response:
    match error:
        case ApiError():
            return Json(error.body(), error.status, error.headers)
        case HTTPException(status_code=status):
            message = f"{HTTPStatus(status).phrase} ({request.method} {request.url.path})"
            return Json(ApiError(status, message).body(), status, error.headers)
        case ClientDisconnect():
            return Response(status_code=499)
        case _:
            return Json(ApiError(500, "internal error").body(), 500)


def create_app(models: Models, running: Running, settings: Settings, behaviour: Behaviour) -> Starlette:
    """Return the ASGI application."""
    failures = (ApiError, HTTPException, ClientDisconnect, Exception)
    return Starlette(
        routes=Backend(models, running, settings, behaviour).routes(),
        exception_handlers=dict.fromkeys(failures, _failed),
    )
