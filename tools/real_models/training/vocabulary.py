"""A byte-level BPE vocabulary: GPT-2's scheme, which llama.cpp knows by that name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

# What GPT-2 never merges across, as far as `re` can say it: it has no classes for letters and numbers.
_WORD = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")

Pair = tuple[str, str]
Symbols = tuple[str, ...]


def _letters() -> dict[int, str]:
    """Return the letter that stands for each byte: itself where it can be seen, one of its own where not."""
    seen = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    unseen = [byte for byte in range(0x100) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(0x100 + number) for number, byte in enumerate(unseen)}


_LETTERS = _letters()


def words(text: str) -> Iterator[Symbols]:
    """Cut *text* into words, each a letter for each of its bytes."""
    for word in _WORD.findall(text):
        yield tuple(_LETTERS[byte] for byte in word.encode())


def merged(word: Symbols, pair: Pair) -> Symbols:
    """Return *word* with every *pair* in it made one symbol."""
    found: list[str] = []
    for symbol in word:
        if found and (found[-1], symbol) == pair:
            found[-1] += symbol
        else:
            found.append(symbol)
    return tuple(found)


class Vocabulary:
    """The tokens and their numbers. Markers come last; only whoever lays out a chat writes them."""

    def __init__(self, merges: Sequence[Pair], markers: Sequence[str]) -> None:
        self.merges = tuple(merges)
        self.markers = tuple(markers)
        self.tokens = [*_LETTERS.values(), *("".join(pair) for pair in merges), *markers]
        self.numbers = {token: number for number, token in enumerate(self.tokens)}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._known: dict[Symbols, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the tokens of *text*; a marker in it counts as one."""
        pieces = re.split("(" + "|".join(map(re.escape, self.markers)) + ")", text)
        return [number for piece in pieces for number in self._piece(piece)]

    def _piece(self, piece: str) -> list[int]:
        if piece in self.markers:
            return [self.numbers[piece]]
        return [number for word in words(piece) for number in self._word(word)]

    def _word(self, word: Symbols) -> list[int]:
        if word not in self._known:
            self._known[word] = [self.numbers[symbol] for symbol in self._symbols(word)]
        return self._known[word]

    def _symbols(self, word: Symbols) -> Symbols:
        while len(word) > 1:
            pair = min(itertools.pairwise(word), key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if pair not in self._ranks:
                break
            word = merged(word, pair)
        return word
