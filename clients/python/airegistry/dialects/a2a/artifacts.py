"""What an agent made so far, and what of it is new when the agent says it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.a2a.parts import Part, text_of
from airegistry.errors import MalformedAnswerError

_MOST: Final = 1_000
"""Artifacts at most of one task."""

Segment = str | Part
"""A text, or a part that is something else."""


class Artifacts:
    """The content of each artifact as its caller has it, by id."""

    def __init__(self) -> None:
        self._known: dict[str, list[Segment]] = {}

    def take(self, artifact: Mapping[str, Any], *, append: bool) -> tuple[str, list[Segment], bool]:
        """Return an artifact's id, what of its content is new, and whether that goes on with what came before.

        An agent may repeat all that it has so far; what the caller has already is left out. Content that contradicts what came
        before comes whole, as that of another artifact would.
        """
        id_ = reading.text(artifact, "artifactId", "artifact")
        segments = list(_segments(reading.objects(artifact, "parts", "artifact")))
        known = self._known.get(id_)
        if known is None or append:
            self._kept(id_).extend(segments)
            return id_, segments, known is not None
        rest = _rest(known, segments)
        self._known[id_] = segments
        return id_, segments if rest is None else rest, rest is not None

    def _kept(self, id_: str) -> list[Segment]:
        if id_ not in self._known and len(self._known) >= _MOST:
            raise MalformedAnswerError(f"the task has more than {_MOST} artifacts")
        return self._known.setdefault(id_, [])


def _segments(parts: Iterable[Part]) -> Iterable[Segment]:
    for part in parts:
        text = text_of(part)
        yield part if text is None else text


def _rest(known: list[Segment], now: list[Segment]) -> list[Segment] | None:
    """Return what *now* has beyond what is *known*; None when it does not begin with that."""
    before, after = _joined(known), _joined(now)
    if not before:
        return after
    same, last = before[:-1], before[-1]
    if after[: len(same)] != same or len(after) < len(before):
        return None
    here = after[len(same)]
    if isinstance(last, str) and isinstance(here, str) and here.startswith(last):
        more: list[Segment] = [here[len(last) :]] if len(here) > len(last) else []
        return [*more, *after[len(before) :]]
    return after[len(before) :] if here == last else None


def _joined(segments: list[Segment]) -> list[Segment]:
    """Return segments with neighbouring texts as one: how a text was cut means nothing."""
    joined: list[Segment] = []
    run: list[str] = []
    for segment in segments:
        if isinstance(segment, str):
            run.append(segment)
            continue
        if run:
            joined.append("".join(run))
            run = []
        joined.append(segment)
    return [*joined, "".join(run)] if run else joined
