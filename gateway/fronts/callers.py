"""What HTTP callers say beside their request: what keeps their calls together, and labels of them.

`x-airegistry-session: <key>` is the sticky key of a call, `x-airegistry-labels: team=red, stage=beta` its labels. Neither goes to a
provider. The formats of the fronts have no place for them, and each front makes its invocations by `invocation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from airegistry.errors import InvalidArgumentError
from airegistry.invocations.invocation import Invocation

SESSION: Final = "x-airegistry-session"
LABELS: Final = "x-airegistry-labels"

_SESSION: Final = SESSION.encode()
_LABELS: Final = LABELS.encode()

_Pairs = Sequence[tuple[bytes, bytes]]

_headers: ContextVar[_Pairs] = ContextVar("headers", default=())


class Callers:
    """Keeps the headers of a request for the length of it, for who makes an invocation of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        token = _headers.set(scope["headers"] if scope["type"] == "http" else ())
        try:
            await self._app(scope, receive, send)
        finally:
            _headers.reset(token)


def invocation(**fields: Any) -> Invocation:
    """Return the invocation of the request under way. *fields* are those of Invocation.

    Raises InvalidArgumentError when the labels are none.
    """
    # Of a header that comes twice the first.
    said = dict(reversed(_headers.get()))
    session, listed = said.get(_SESSION, b"").decode("latin-1"), said.get(_LABELS, b"").decode("latin-1")
    return Invocation(**fields, sticky_key=session, labels=_labels(listed) if listed else {})


def _labels(listed: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in listed.split(",") if pair.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise InvalidArgumentError.of(LABELS, "must be key=value pairs with commas between them")
    return {key.strip(): value.strip() for key, _, value in pairs}
