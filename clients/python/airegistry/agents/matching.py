"""How well the words of a task fit what agents say that they can do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from airegistry.resources.agent import Agent, AgentSkill

_WORD: Final = re.compile(r"[^\W_]+")
_LONGEST_TASK: Final = 10_000
"""Characters of a task that are looked at."""
_STEM: Final = 4
"""Letters at least that two forms of a word share: `translate` and `translation`."""
_ENDING: Final = 3
"""Letters at most by which two forms of one word end otherwise."""
_TOLD: Final = 0.5
"""What a word of a description or an example counts, beside one of a name or a tag."""


def best_skill(task: str, agent: Agent) -> tuple[str, float]:
    """Return the skill of an agent that a task's words fit best, and how well: 0 for not at all, more is better."""
    asked = _words([task[:_LONGEST_TASK]])
    fits = [(fit(asked, skill), skill.id) for skill in agent.skills]
    # Of equals the first that the agent names.
    best = max(fits, key=lambda each: each[0], default=(0.0, ""))
    return (best[1], best[0]) if best[0] > 0 else ("", 0.0)


def fit(asked: frozenset[str], skill: AgentSkill) -> float:
    """Return how much of what a skill is called is among the words that were asked, and half as much for what it is told by."""
    called = _words([skill.id, skill.name, *skill.tags])
    told = _words([skill.description, *skill.examples]) - called
    return sum(_is_among(word, asked) for word in called) + _TOLD * sum(_is_among(word, asked) for word in told)


def _words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in _WORD.findall(text.casefold()) if len(word) >= _STEM)


def _is_among(word: str, words: frozenset[str]) -> bool:
    return word in words or any(_is_same(word, other) for other in words)


def _is_same(one: str, other: str) -> bool:
    """Say whether two words begin alike, and end otherwise by a few letters only."""
    shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return shared >= _STEM and len(one) - shared <= _ENDING and len(other) - shared <= _ENDING
