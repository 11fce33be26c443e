"""The front of OpenAI's images API, over the engine."""

from __future__ import annotations

import time

from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from airegistry.errors import InternalError
from airegistry.invocations.kinds import ImageResponse
from airegistry.invoke import Engine, Origin
from gateway.fronts.answering import account, send_whole
from gateway.fronts.callers import invocation
from gateway.fronts.connection import read_body, while_connected
from gateway.fronts.forms import is_form
from gateway.fronts.openai.relays import relayed_body
from gateway.fronts.openai_images.answers import images_body
from gateway.fronts.openai_images.requests import ImagesCall, read_edit, read_form, read_generation

_DIALECT = "openai.images"


def images_routes(engine: Engine, *, max_body_bytes: int) -> list[Route]:
    """Return the routes of the front."""
    return [
        Route("/v1/images/generations", Images(engine, max_body_bytes, edits=False), methods=["POST"]),
        Route("/v1/images/edits", Images(engine, max_body_bytes, edits=True), methods=["POST"]),
    ]


class Images:
    """`POST /v1/images/generations`, and `/v1/images/edits` in JSON or as a form."""

    def __init__(self, engine: Engine, max_body_bytes: int, *, edits: bool) -> None:
        self._engine = engine
        self._max_body_bytes = max_body_bytes
        self._edits = edits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the caller's going away cancels it."""
        body = await read_body(receive, most=self._max_body_bytes)
        call, origin = self._read(Headers(scope=scope).get("content-type", ""), body)
        work = self._engine.invoke(invocation(model=call.model, image=call.request), origin=origin)
        answered = await while_connected(receive, work)
        if answered.wire is not None:
            answer = relayed_body(answered.wire, answered.settlement)
        elif isinstance(answered.output, ImageResponse):
            answer = images_body(answered.output, answered.settlement, int(time.time()))
        else:
            raise InternalError("the answer to a request for images is none")
        await send_whole(send, answer, account(answered.settlement))

    def _read(self, content_type: str, body: bytes) -> tuple[ImagesCall, Origin | None]:
        """Return what is asked, and in which words; a form is written anew for each target."""
        if self._edits and is_form(content_type):
            return read_form(content_type, body), None
        return (read_edit if self._edits else read_generation)(body), Origin(_DIALECT, body)
