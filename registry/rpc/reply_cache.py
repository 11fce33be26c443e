"""Discover replies that are still true: the same question at the same moment has the same answer."""

from __future__ import annotations

from collections.abc import Hashable

from airegistry._rpc.pieces import Pieces


class ReplyCache:
    """Serialized replies by serialized request, all made at one moment.

    What the caller passes as `moment` must change whenever an answer may. Bounded by entries and by bytes; beyond that the
    oldest go. What a reply is joined from counts, and what it is when it is joined does not.
    """

    def __init__(self, *, max_entries: int = 4096, max_bytes: int = 16 * 1024 * 1024) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._moment: Hashable = None
        self._replies: dict[bytes, Pieces] = {}
        self._bytes = 0

    def get(self, request: bytes, moment: Hashable) -> Pieces | None:
        """Return the reply to *request* if it was made at *moment*."""
        return self._replies.get(request) if moment == self._moment else None

    def put(self, request: bytes, reply: Pieces, moment: Hashable) -> None:
        """Keep a reply that was made at *moment*; those of other moments are dropped."""
        if moment != self._moment:
            self._moment = moment
            self._replies.clear()
            self._bytes = 0
        self._drop(request)
        self._replies[request] = reply
        self._bytes += len(request) + len(reply)
        while self._replies and (len(self._replies) > self._max_entries or self._bytes > self._max_bytes):
            self._drop(next(iter(self._replies)))

    def _drop(self, request: bytes) -> None:
        reply = self._replies.pop(request, None)
        if reply is not None:
            self._bytes -= len(request) + len(reply)
