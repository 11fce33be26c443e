"""Replies that are given again to a request that comes again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from airegistry.errors import RequestIdReusedError

T = TypeVar("T")


class Replays:
    """The first reply to each `request_id`."""

    def __init__(self) -> None:
        self._replies: dict[str, tuple[Any, Any]] = {}

    def once(self, request: Any, answer: Callable[[], T]) -> T:
        """Return the first reply to this request, made now when there is none."""
        if not request.request_id:
            return answer()
        if request.request_id not in self._replies:
            self._replies[request.request_id] = (request, answer())
        first, reply = self._replies[request.request_id]
        if first != request:
            raise RequestIdReusedError("the request_id was used before, with another payload")
        found: T = reply
        return found
