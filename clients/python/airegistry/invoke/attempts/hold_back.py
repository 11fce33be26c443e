"""The first pieces of an answer, kept until it is worth committing to it."""

from __future__ import annotations

from collections.abc import Callable

from airegistry.invocations.streaming import Piece, tokens_in


class HoldBack:
    """Keeps pieces until more than *tokens* pieces came, or until the first waited *duration* seconds; never with neither.

    Until something is let go, whoever answers can still be replaced.
    """

    def __init__(self, tokens: int, duration: float | None, now: Callable[[], float]) -> None:
        # A duration alone holds however many come.
        self._tokens = tokens if tokens or duration is None else None
        self._duration = duration
        self._now = now
        self._held: list[Piece] = []
        self._count = 0
        self._first: float | None = None
        self.released = False

    def add(self, pieces: list[Piece]) -> list[Piece]:
        """Take pieces and return what may go on now: nothing, or all that was held and they."""
        if self.released:
            return pieces
        self._held += pieces
        for piece in pieces:
            self._count += tokens_in(piece)
            if self._tokens is not None and self._count > self._tokens:
                return self.release()
        if self._count and self._first is None:
            self._first = self._now()
        return self.release() if self.wait == 0 else []

    def release(self) -> list[Piece]:
        """Let everything go."""
        held, self._held = self._held, []
        self.released = True
        return held

    @property
    def wait(self) -> float | None:
        """How long until what is held must go on; None when nothing presses."""
        if self.released or self._first is None or self._duration is None:
            return None
        return max(0.0, self._first + self._duration - self._now())
