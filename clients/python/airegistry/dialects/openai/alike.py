"""Chunks that differ in nothing but the words that they add: most of those of an answer, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from airegistry.dialects.events.sse import SSEvent

_KEY: Final = b'"content":'
# What ends a string of JSON, stands for something else in it, or may not be in it. (A line's end is what joins them.)
_NOT_ITSELF: Final = re.compile(rb'["\\\x00-\x09\x0b-\x1f]')


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around the words of a chunk that was found to do nothing but go on with a text.

    Where another one has the same around a string of JSON, it does the same with that: nothing else in it has to be read.
    """

    before: bytes
    after: bytes

    @classmethod
    def of(cls, chunk: bytes) -> Self | None:
        """Return it; None where it cannot be told by a look, as of words that are escaped.

        Within a string the quotes of the key would be escaped. A chunk that is read has no other of this name; in one that is
        relayed it may be another's, of which then nothing but the value differs.
        """
        place = chunk.rfind(_KEY)
        start = chunk.find(b'"', place + len(_KEY)) + 1
        end = chunk.find(b'"', start)
        if place < 0 or not 0 < start < end or b"\\" in chunk[start:end]:
            return None
        if chunk[place + len(_KEY) : start - 1].strip():
            # What begins there is no string.
            return None
        return cls(chunk[:start], chunk[end:])

    def words(self, events: Iterable[SSEvent]) -> list[str]:
        """Return the words of the chunks in front that have the same around theirs; nothing where one of them needs a reader."""
        before, after = self.before, self.after
        first, last = len(before), -len(after)
        written: list[bytes] = []
        for event in events:
            chunk = event.data
            if event.event or not (chunk.startswith(before) and chunk.endswith(after)):
                break
            written.append(chunk[first:last])
        lines = b"\n".join(written)
        if _NOT_ITSELF.search(lines):
            return []
        try:
            words = lines.decode().split("\n")
        except UnicodeDecodeError:
            return []
        # None is empty, which is no text, and none has a line's end, which no string of JSON may have.
        return words if len(words) == len(written) and all(words) else []
