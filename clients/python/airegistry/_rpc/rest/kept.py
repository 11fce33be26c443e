"""What was made of bytes, kept for when they come again."""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_BYTES = 3 * 1024 * 1024
MAX_AGE = 60.0


class Kept(dict[bytes, bytes]):
    """What *make* makes of bytes, by the bytes, with at most so many bytes of both.

    At a turn all goes that was not asked for since the turn before. It comes with something new: when half of the room is full,
    or when the last one was *max_age* seconds ago, by *now*, any clock. What is larger than that half is not kept.

    A dictionary, since nothing of Python runs to look into one.
    """

    def __init__(
        self,
        make: Callable[[bytes], bytes],
        *,
        max_bytes: int = MAX_BYTES,
        max_age: float = MAX_AGE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._make = make
        self._half = max_bytes // 2
        self._max_age = max_age
        self._now = now
        self._turned = now()
        self._bytes = 0
        self._before: dict[bytes, bytes] = {}

    def __missing__(self, data: bytes) -> bytes:
        if self._now() - self._turned > self._max_age:
            self._turn()
        made = self._before.pop(data, None)
        if made is None:
            # A copy: what orjson returns lies in a piece of memory that is larger by some KiB.
            made = bytes(memoryview(self._make(data)))
        size = len(data) + len(made)
        if size > self._half:
            return made
        if self._bytes + size > self._half:
            self._turn()
        self[data] = made
        self._bytes += size
        return made

    def _turn(self) -> None:
        self._before = dict(self)
        self.clear()
        self._bytes = 0
        self._turned = self._now()
