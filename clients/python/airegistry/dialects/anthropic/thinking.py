"""How much to think, as a budget of tokens or as an effort."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from airegistry.dialects.anthropic.variants import Variant
from airegistry.invocations.chat import Reasoning
from airegistry.invocations.invocation import Warning as FieldWarning

LEAST: Final = 1024
"""The smallest budget that the format takes; it must be below the limit of output tokens."""

_SHARES: Final = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.9, "max": 0.95}
"""The share of the output limit that an effort stands for, where only a budget is understood."""


@dataclass(slots=True)
class Thinking:
    """The fields that say how much to think, and what could not be said."""

    config: dict[str, Any] | None = None
    effort: str = ""
    warnings: list[FieldWarning] = field(default_factory=list)

    @property
    def on(self) -> bool:
        """Whether the request turns thinking on."""
        return self.config is not None and self.config["type"] != "disabled"

    def warn(self, name: str, message: str) -> None:
        """Note what could not be said."""
        self.warnings.append(FieldWarning(f"chat.reasoning{name}", message))


def budget_asked(reasoning: Reasoning | None, variant: Variant) -> int:
    """Return how many tokens of thinking were asked for by number; 0 where none were, or where no number can be said."""
    if reasoning is None or not reasoning.max_tokens or not variant.thinking_budget:
        return 0
    return max(LEAST, reasoning.max_tokens)


def thinking_of(reasoning: Reasoning | None, limit: int, variant: Variant) -> Thinking:
    """Say how much to think within *limit* output tokens."""
    thinking = Thinking()
    if reasoning is None:
        return thinking
    if reasoning.effort == "none" or reasoning.max_tokens == 0:
        thinking.config = {"type": "disabled"}
    elif reasoning.max_tokens is not None and variant.thinking_budget:
        _by_budget(thinking, reasoning.max_tokens, limit)
    elif reasoning.max_tokens is not None:
        thinking.warn(".max_tokens", "the endpoint takes an effort only; not sent")
    if reasoning.effort not in ("", "none"):
        _by_effort(thinking, reasoning.effort, limit, variant)
    if reasoning.include_thoughts is not None:
        _show(thinking, variant, shown=reasoning.include_thoughts)
    return thinking


def _by_budget(thinking: Thinking, asked: int, limit: int) -> None:
    budget = min(max(asked, LEAST), limit - 1)
    if budget < LEAST:
        thinking.warn(".max_tokens", f"leaves no room for an answer of {limit} tokens; not sent")
        return
    if budget != asked:
        thinking.warn(".max_tokens", f"must be at least {LEAST} and below the output limit; sent as {budget}")
    thinking.config = {"type": "enabled", "budget_tokens": budget}


def _by_effort(thinking: Thinking, effort: str, limit: int, variant: Variant) -> None:
    if variant.adaptive_thinking:
        thinking.effort = effort
        if effort == "minimal":
            thinking.effort = "low"
            thinking.warn(".effort", "`low` is the least effort of this format")
        thinking.config = thinking.config or {"type": "adaptive"}
    elif thinking.on:
        thinking.warn(".effort", "the budget says it; not sent")
    elif not variant.thinking_budget:
        thinking.warn(".effort", "the endpoint declares no way to say it; not sent")
    else:
        budget = min(max(LEAST, int(limit * _SHARES[effort])), limit - 1)
        if budget < LEAST:
            thinking.warn(".effort", f"leaves no room for an answer of {limit} tokens; not sent")
        else:
            thinking.config = {"type": "enabled", "budget_tokens": budget}


def _show(thinking: Thinking, variant: Variant, *, shown: bool) -> None:
    if thinking.config is None and shown and variant.adaptive_thinking:
        thinking.config = {"type": "adaptive"}
    if thinking.config is None or not thinking.on:
        thinking.warn(".include_thoughts", "nothing turns thinking on; not sent")
        return
    thinking.config = {**thinking.config, "display": "summarized" if shown else "omitted"}
