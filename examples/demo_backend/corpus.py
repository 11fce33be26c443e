"""The text that both models learn from: Python's language reference, cut into passages."""

from __future__ import annotations

import re
import textwrap
from pydoc_data.topics import topics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSAGE_WORDS = 90

_UNDERLINE = re.compile(r"[*=\-~^\"]{3,}")
_BULLET = re.compile(r"([*-]|\d+\.) +")
_CODE = re.compile(r">>>|\.\.\. |::=| = |\breturn\b|:$", re.MULTILINE)


def passages() -> list[str]:
    """Return the reference as passages of one to a few paragraphs; a heading starts a new one."""
    seen: set[str] = set()
    found: list[str] = []
    for name in sorted(topics):
        paragraphs: list[str] = []
        for text, heading in _paragraphs(topics[name]):
            full = sum(len(paragraph.split()) for paragraph in paragraphs) >= PASSAGE_WORDS
            if paragraphs and (heading or full):
                found.append("\n\n".join(paragraphs))
                paragraphs = []
            # Some topics quote others whole; a repeated paragraph would count twice.
            if text not in seen:
                seen.add(text)
                paragraphs.append(text)
        if paragraphs:
            found.append("\n\n".join(paragraphs))
    return found


def _paragraphs(topic: str) -> Iterator[tuple[str, bool]]:
    """Yield each paragraph and whether it is a heading."""
    for block in re.split(r"\n\s*\n", topic.strip("\n")):
        lines = textwrap.dedent(block).rstrip().split("\n")
        first, *others = lines
        if _UNDERLINE.fullmatch(first):
            continue
        if others and _UNDERLINE.fullmatch("".join(others)):
            yield first, True
        elif _is_prose(lines):
            yield " ".join(line.strip() for line in lines), False
        else:
            yield "\n".join(lines), False


def _is_prose(lines: list[str]) -> bool:
    if _BULLET.match(lines[0]):
        return True
    indented = any(line.startswith(" ") for line in lines)
    return not indented and not (len(lines) > 1 and _CODE.search("\n".join(lines[:-1])))
