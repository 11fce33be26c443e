"""Ending a text before the first stop sequence, wherever the tokens cut it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Token:
    """One written token, its log-probability under the model, and the likeliest alternatives."""

    text: str
    logprob: float
    likeliest: tuple[tuple[str, float], ...] = ()


class Stops:
    """Tokens in, tokens out: a token is held while its text may still begin a stop sequence."""

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = sequences
        self._held: list[Token] = []
        self.reached = False

    def feed(self, token: Token) -> list[Token]:
        """Take one token and return those that can be shown; after `reached` nothing more may be fed."""
        self._held.append(token)
        text = "".join(held.text for held in self._held)
        found = [at for at in (text.find(sequence) for sequence in self._sequences) if at >= 0]
        if found:
            self.reached = True
            return self._release(min(found), cut=True)
        return self._release(len(text) - self._suspect(text), cut=False)

    def flush(self) -> list[Token]:
        """Return what is still held, once no more tokens will come."""
        held, self._held = self._held, []
        return held

    def _suspect(self, text: str) -> int:
        """Return the length of the longest ending of *text* that begins a stop sequence."""
        longest = min(len(text), max(map(len, self._sequences), default=1) - 1)
        lengths = range(longest, 0, -1)
        return next((n for n in lengths if any(s.startswith(text[-n:]) for s in self._sequences)), 0)

    def _release(self, end: int, *, cut: bool) -> list[Token]:
        """Take out the tokens that end by character *end*; with *cut*, also the part before it of the next."""
        shown: list[Token] = []
        while self._held and len(self._held[0].text) <= end:
            shown.append(self._held.pop(0))
            end -= len(shown[-1].text)
        if cut and end > 0:
            shown.append(replace(self._held[0], text=self._held[0].text[:end]))
        return shown
