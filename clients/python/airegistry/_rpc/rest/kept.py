"""What was made of bytes, kept for when they come again."""

from __future__ import annotations

from collections.abc import Callable

MAX_BYTES = 3 * 1024 * 1024


class Kept(dict[bytes, bytes]):
    """What *make* makes of bytes, by the bytes. Beyond so many bytes of both, what was made first goes.

    A dictionary, since nothing of Python runs to look into one.
    """

    def __init__(self, make: Callable[[bytes], bytes], *, max_bytes: int = MAX_BYTES) -> None:
        super().__init__()
        self._make = make
        self._max_bytes = max_bytes
        self._bytes = 0

    def __missing__(self, data: bytes) -> bytes:
        # A copy: what orjson returns lies in a piece of memory that is larger by some KiB.
        made = self[data] = bytes(memoryview(self._make(data)))
        self._bytes += len(data) + len(made)
        while self._bytes > self._max_bytes:
            first = next(iter(self))
            self._bytes -= len(first) + len(self.pop(first))
        return made
