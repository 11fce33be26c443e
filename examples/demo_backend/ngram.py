"""An interpolated n-gram language model whose counts lean towards given passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from demo_backend.tokens import BEGIN, END, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

ORDER: Final = 5
ESCAPE: Final = 0.08
"""Weight of one distinct continuation in the share that the shorter context gets (Witten-Bell uses 1)."""
FLOOR: Final = 0.01
"""Count given to every token that may be written, so that none is impossible."""


class NgramModel:
    """All contexts of a text, sorted by their last token, then the one before, and so on.

    The occurrences of any context are then one range of that order, found by narrowing the range of the
    context that is one token shorter. No table per order is built: the counts are read from the range.
    """

    def __init__(self, passages: Sequence[Sequence[int]], size: int) -> None:
        self.size = size
        self.passages = len(passages)
        marked = [[BEGIN, *passage, END] for passage in passages]
        text = np.array([id_ for passage in marked for id_ in passage], dtype=np.int32)
        passage = np.repeat(np.arange(len(marked)), [len(ids) for ids in marked])
        padded = np.concatenate([np.full(ORDER - 1, BEGIN, dtype=np.int32), text])
        before = [padded[ORDER - 1 - back : ORDER - 1 - back + len(text)] for back in range(1, ORDER)]
        # The first token of a passage stands in the order only to be predicted, never BEGIN itself.
        written = np.flatnonzero(text != BEGIN)
        # lexsort takes its most significant key last.
        order = written[np.lexsort([column[written] for column in reversed(before)])]
        self._next = text[order]
        self._passage = passage[order]
        self._before = [column[order] for column in before]

    def leaning(self, relevance: npt.NDArray[np.float64] | None = None) -> Leaning:
        """Return the model with every occurrence in passage `i` counted `relevance[i]` times (once when None)."""
        weights = np.ones(self.passages) if relevance is None else relevance
        return Leaning(self, weights[self._passage])

    def ranges(self, context: Sequence[int]) -> Iterator[slice]:
        """Yield where each ending of *context* occurs, from one token to ORDER - 1, while it occurs at all."""
        low, high = 0, len(self._next)
        for id_, column in zip(reversed(context), self._before, strict=False):
            found = column[low:high]
            low, high = (
                low + int(found.searchsorted(id_)),
                low + int(found.searchsorted(id_, side="right")),
            )
            if low == high:
                return
            yield slice(low, high)

    def following(self, where: slice) -> npt.NDArray[np.int32]:
        """Return the tokens that follow the contexts in *where*."""
        return self._next[where]


class Leaning:
    """A model and the weight of each of its occurrences: what it says about one prompt."""

    def __init__(self, model: NgramModel, weights: npt.NDArray[np.float64]) -> None:
        self._model = model
        self._weights = weights
        base = self._counts(slice(None)) + FLOOR
        base[[BEGIN, UNKNOWN]] = 0.0
        self._base = base / base.sum()

    def probabilities(self, context: Sequence[int]) -> npt.NDArray[np.float64]:
        """Return the probability of every token after *context*; they sum to one."""
        probabilities: npt.NDArray[np.float64] = self._base
        for where in self._model.ranges(context):
            counts = self._counts(where)
            escape = ESCAPE * int(np.count_nonzero(counts))
            total = float(counts.sum()) + escape
            probabilities = (counts + escape * probabilities) / total
        return probabilities

    def _counts(self, where: slice) -> npt.NDArray[np.float64]:
        counts = np.bincount(self._model.following(where), weights=self._weights[where], minlength=self._model.size)
        return np.asarray(counts, dtype=np.float64)
