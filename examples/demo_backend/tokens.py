"""Text to token ids and back: words, digits and signs, each with the space before it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BEGIN: Final = 0
END: Final = 1
UNKNOWN: Final = 2
SPECIAL: Final = ("<begin>", "<end>", "<unknown>")

UNKNOWN_WIDTH: Final = 4
"""Characters of an unknown piece that make one token, so that a long made-up word is not cheap."""

_PIECE = re.compile(r"\n+ *| ?\w+| ?[^\w\s]|[^\S\n]+")


def pieces(text: str) -> list[str]:
    """Cut *text* into pieces that join back to exactly *text*."""
    return _PIECE.findall(text)


class Vocabulary:
    """The pieces of a corpus, most frequent first. The ids below `len(SPECIAL)` are never part of a text."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(piece for text in texts for piece in pieces(text))
        ordered = sorted(counts, key=lambda piece: (-counts[piece], piece))
        self._texts = [*SPECIAL, *ordered]
        self._ids = {piece: id_ for id_, piece in enumerate(ordered, len(SPECIAL))}

    def __len__(self) -> int:
        return len(self._texts)

    def encode(self, text: str) -> list[int]:
        """Return one id per known piece, and UNKNOWN for every UNKNOWN_WIDTH characters of any other."""
        return list(self._encode(text))

    def _encode(self, text: str) -> Iterator[int]:
        for piece in pieces(text):
            id_ = self._ids.get(piece)
            if id_ is not None:
                yield id_
            else:
                yield from (UNKNOWN for _ in range(0, len(piece), UNKNOWN_WIDTH))

    def text(self, id_: int) -> str:
        """Return the text of one token."""
        return self._texts[id_]

    def decode(self, ids: Iterable[int]) -> str:
        """Join the texts of *ids*; the inverse of `encode` where every piece is known."""
        return "".join(self._texts[id_] for id_ in ids)
