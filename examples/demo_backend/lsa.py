"""Latent semantic analysis: texts as directions, learned from which words share a passage."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    Vector = npt.NDArray[np.float64]

MIN_PASSAGES: Final = 2
"""A word must occur in as many passages to be learned: one that occurs once relates nothing."""
UNKNOWN_WEIGHT: Final = 0.3
"""Length of the direction that an unlearned word gets, beside about 1 for a learned one."""
SHARPNESS: Final = 12.0
"""How steeply a passage's weight grows with its nearness to a prompt."""

_WORD = re.compile(r"[^\W_]+")
# Words of questions rather than of their subject, and the commonest ones of English.
_STOP_WORDS = """
    a about an and answer any are as at be been briefly but by can could describe do does down each
    explain for from give had has have hello hi how i if in into is it its keep let may me must my no
    not now of on or our please python same say see sentence short should show so some such tell than
    that the their them then there these they this those to up us use used was way we were what when
    where which who why will with word words would write you your
"""
_STOP = frozenset(_STOP_WORDS.split())


def words(text: str) -> list[str]:
    """Return the content words of *text*, lower case and without a plural's ending."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]


def _stem(word: str) -> str:
    # The letters that must come before an ending keep "as", "class" and "this" whole.
    if re.fullmatch(r".+(ss|x|ch|sh)es", word):
        return word[:-2]
    if re.fullmatch(r".{2,}[^aeiou]ies", word):
        return word[:-3] + "y"
    if re.fullmatch(r".{2,}[^sui]s", word):
        return word[:-1]
    return word


class LsaModel:
    """A direction per learned word; a text is the sum of its words' directions, each by how rare the word is."""

    def __init__(self, passages: Sequence[str], dimensions: int) -> None:
        self.dimensions = dimensions
        counts = [Counter(words(passage)) for passage in passages]
        spread = Counter(word for count in counts for word in count)
        learned = sorted(word for word, found in spread.items() if found >= MIN_PASSAGES)
        self._ids = {word: id_ for id_, word in enumerate(learned)}
        self._rarity = np.log(len(passages) / np.array([spread[word] for word in learned])) + 1.0
        table = np.zeros((len(passages), len(learned)), dtype=np.float32)
        for row, count in zip(table, counts, strict=True):
            self._weigh(count, row)
        table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
        self._directions = _right_vectors(table, dimensions)
        self._passages = _unit(table @ self._directions)

    def embed(self, text: str, dimensions: int | None = None) -> Vector:
        """Return *text* as a vector of length one; fewer *dimensions* keep the strongest ones.

        Words that were not learned get a fixed direction of their own, so that a text of only such words
        is near itself and near nothing else.
        """
        vector = self._fold(text)
        known = self._ids.keys()
        # A text without any content word still has to be near itself.
        for word in words(text) or [text]:
            if word not in known:
                vector += UNKNOWN_WEIGHT * _own_direction(word, self.dimensions)
        return _unit(vector[:dimensions])

    def relevance(self, texts: Iterable[str]) -> Vector | None:
        """Return how often each passage should count for *texts*, the last text weighing most; the mean is one.

        None when no word of them was learned: then no passage is nearer than another.
        """
        query = np.zeros(self.dimensions)
        for text in texts:
            query = query / 2 + _unit(self._fold(text))
        if not query.any():
            return None
        weights = np.exp(SHARPNESS * (self._passages @ _unit(query)))
        return np.asarray(weights / weights.mean(), dtype=np.float64)

    def _fold(self, text: str) -> Vector:
        row = np.zeros(len(self._ids), dtype=np.float32)
        self._weigh(Counter(words(text)), row)
        used = np.flatnonzero(row)
        return (row[used] @ self._directions[used]).astype(np.float64)

    def _weigh(self, counts: Mapping[str, int], row: npt.NDArray[np.float32]) -> None:
        for word, count in counts.items():
            id_ = self._ids.get(word)
            if id_ is not None:
                row[id_] = (1.0 + np.log(count)) * self._rarity[id_]


def _right_vectors(table: npt.NDArray[np.float32], dimensions: int) -> npt.NDArray[np.float32]:
    """Return the strongest right singular vectors of *table* as columns.

    The table has fewer rows than columns, so they come from the eigenvectors of its small Gram matrix.
    """
    strengths, left = np.linalg.eigh(table @ table.T)
    strongest = slice(None, -dimensions - 1, -1)
    scale = np.sqrt(np.maximum(strengths[strongest], 1e-9))
    right = table.T @ (left[:, strongest] / scale)
    # The sign of a singular vector is free, and differs between linear algebra libraries.
    signs = np.sign(right[np.abs(right).argmax(axis=0), np.arange(right.shape[1])])
    return np.ascontiguousarray(right * signs, dtype=np.float32)


def _own_direction(word: str, dimensions: int) -> Vector:
    seed = zlib.crc32(word.encode("utf-8", "surrogatepass"))
    return _unit(np.random.default_rng(seed).standard_normal(dimensions))


def _unit(vectors: npt.NDArray[np.floating]) -> Vector:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float64)
