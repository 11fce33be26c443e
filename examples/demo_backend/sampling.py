"""How the next token is drawn from the model's probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a caller may say about drawing; the defaults draw from the model as it is."""

    temperature: float = 1.0
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0

    def shape(self, probabilities: Probabilities, written: Mapping[int, int]) -> Probabilities:
        """Return what to draw from: penalties for what is *written* (counts by token), then temperature, then top_p."""
        shaped = probabilities.copy()
        if written and (self.frequency_penalty or self.presence_penalty):
            ids = list(written)
            counts = np.array([written[id_] for id_ in ids])
            shaped[ids] *= np.exp(-self.frequency_penalty * counts - self.presence_penalty)
        if self.temperature == 0.0:
            return _only(shaped.argmax(), shaped)
        if self.temperature != 1.0:
            # Divided by the greatest first: small powers of small numbers would all vanish.
            shaped = (shaped / shaped.max()) ** (1.0 / self.temperature)
        shaped /= shaped.sum()
        return shaped if self.top_p >= 1.0 else _nucleus(shaped, self.top_p)


def draw(probabilities: Probabilities, rng: np.random.Generator) -> int:
    """Return a token with its probability; one of probability zero is never drawn."""
    sums = probabilities.cumsum()
    # Rounding may carry the product up to the total, which lies behind the last token.
    point = min(rng.random() * sums[-1], np.nextafter(sums[-1], 0.0))
    return int(sums.searchsorted(point, side="right"))


def _only(id_: np.intp, probabilities: Probabilities) -> Probabilities:
    alone = np.zeros_like(probabilities)
    alone[id_] = 1.0
    return alone


def _nucleus(probabilities: Probabilities, top_p: float) -> Probabilities:
    """Keep the fewest most probable tokens that together reach *top_p*, at least one."""
    ordered = np.argsort(-probabilities, kind="stable")
    size = int(probabilities[ordered].cumsum().searchsorted(top_p)) + 1
    kept = np.zeros_like(probabilities)
    kept[ordered[:size]] = probabilities[ordered[:size]]
    kept /= kept.sum()
    return kept
