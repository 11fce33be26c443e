"""Which of several arms gets a call, and how likely that was."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b

from airegistry.learning.arms import Arm
from airegistry.learning.beliefs import Belief, Beliefs
from airegistry.learning.matching import chances, floored
from airegistry.routing.rendezvous import owner

MOST_ARMS = 64
"""How many arms are weighed at once: the first of them, in the order in which they are given."""


@dataclass(frozen=True, slots=True)
class SelectorSettings:
    """How fast is forgotten, how much is explored, and how much is kept; see `Beliefs`.

    *exploration* is the share of choices that is spread evenly, in (0, 1].
    """

    half_life: float = 600.0
    exploration: float = 0.05
    strength: float = 4.0
    most: float = 200.0
    kept: int = 20_000

    @property
    def version(self) -> str:
        """What names the policy in logs: it changes with every setting."""
        digest = blake2b(repr(sorted(asdict(self).items())).encode(), digest_size=4).hexdigest()
        return f"thompson-1-{digest}"


@dataclass(frozen=True, slots=True)
class Weighing:
    """Arms, what is believed of each, and how likely each is to be chosen."""

    arms: tuple[Arm, ...]
    beliefs: tuple[Belief, ...]
    propensities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The arm that was chosen, by its place in the weighing."""

    weighing: Weighing
    chosen: int

    @property
    def arm(self) -> Arm:
        """Who was chosen."""
        return self.weighing.arms[self.chosen]

    @property
    def propensity(self) -> float:
        """How likely that was."""
        return self.weighing.propensities[self.chosen]


class Selector:
    """Discounted Thompson sampling.

    A choice is drawn from the probabilities that are computed first, not from the beliefs: so the propensity of a choice is
    exactly how likely it was, whatever the quadrature left out.
    """

    def __init__(self, settings: SelectorSettings, rng: random.Random) -> None:
        self.settings = settings
        self.beliefs = Beliefs(
            half_life=settings.half_life, strength=settings.strength, most=settings.most, kept=settings.kept
        )
        self._rng = rng

    def weigh(self, task: str, arms: Sequence[Arm], at: float, shares: Sequence[float] = ()) -> Weighing:
        """Return how likely each of at least one arm would be chosen now; *shares* is how much of its traffic each gets."""
        weighed = tuple(arms[:MOST_ARMS])
        beliefs = tuple(self.beliefs.of(task, arm, at) for arm in weighed)
        if len(weighed) == 1:
            return Weighing(weighed, beliefs, (1.0,))
        known = shares[:MOST_ARMS] or [1.0] * len(weighed)
        propensities = floored(chances(beliefs), known, self.settings.exploration)
        return Weighing(weighed, beliefs, tuple(propensities.tolist()))

    def choose(
        self, task: str, arms: Sequence[Arm], at: float, *, shares: Sequence[float] = (), key: str = ""
    ) -> Choice:
        """Return one of the arms. The same *key* finds the same arm again for as long as the propensities stay.

        Over many keys each arm is chosen as often as its propensity says.
        """
        weighing = self.weigh(task, arms, at, shares)
        places = range(len(weighing.arms))
        if key:
            options = zip(weighing.arms, weighing.propensities, places, strict=True)
            return Choice(weighing, owner(key, ((arm.name, share, place) for arm, share, place in options)))
        return Choice(weighing, self._rng.choices(places, weighing.propensities)[0])
