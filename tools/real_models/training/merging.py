"""Learn the merges of a vocabulary: again and again, the pair that is most often there becomes one token."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

from tools.real_models.training.vocabulary import Pair, Symbols, merged, words


def learn_merges(text: str, count: int) -> list[Pair]:
    """Return the *count* most useful merges for *text*; of pairs equally often there, the first by name."""
    learning = _Learning(Counter(words(text)))
    return [learning.step() for _ in range(count)]


class _Learning:
    """How often each pair is there, and in which words, kept up to date through the merges."""

    def __init__(self, counted: Counter[Symbols]) -> None:
        self._words = list(counted)
        self._weights = [counted[word] for word in self._words]
        self._counts: Counter[Pair] = Counter()
        self._places: defaultdict[Pair, set[int]] = defaultdict(set)
        for place in range(len(self._words)):
            self._count(place, sign=1)

    def step(self) -> Pair:
        """Make the commonest pair one symbol everywhere, and return it."""
        best = min(self._counts, key=lambda pair: (-self._counts[pair], pair))
        for place in self._places.pop(best):
            self._count(place, sign=-1)
            self._words[place] = merged(self._words[place], best)
            self._count(place, sign=1)
        del self._counts[best]
        return best

    def _count(self, place: int, *, sign: int) -> None:
        word = self._words[place]
        for pair in itertools.pairwise(word):
            self._counts[pair] += sign * self._weights[place]
            self._places[pair].add(place)
