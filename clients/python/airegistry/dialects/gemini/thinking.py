"""How much to think, in Gemini's words."""

from __future__ import annotations

from typing import Any, Final

from airegistry.invocations.chat import Reasoning
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Endpoint

BUDGETS: Final = {
    "none": 0,
    "minimal": 512,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 32_768,
}
"""Tokens for an effort, for models that know a budget only. Those of low, medium and high are Google's own, from its
OpenAI-compatible interface."""

LEVELS: Final = {
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "xhigh",
}

_BUDGET: Final = "thinking_budget"


def thinking_config(reasoning: Reasoning | None, endpoint: Endpoint) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return the `thinkingConfig`, empty where nothing was asked, and what of it was changed.

    An effort is a level (Gemini 3 and later), or a budget of tokens where the endpoint declares the capability
    `thinking_budget` (Gemini 2.5). A number of tokens is a budget whatever is declared.
    """
    if reasoning is None:
        return {}, []
    config: dict[str, Any] = {}
    warnings: list[FieldWarning] = []
    if reasoning.include_thoughts is not None:
        config["includeThoughts"] = reasoning.include_thoughts
    if reasoning.max_tokens is not None:
        config["thinkingBudget"] = reasoning.max_tokens
        if reasoning.effort:
            warnings.append(FieldWarning("chat.reasoning.effort", "the number of tokens is more exact; not sent"))
    elif reasoning.effort == "none" or (reasoning.effort and _knows_budgets_only(endpoint)):
        config["thinkingBudget"] = BUDGETS[reasoning.effort]
    elif reasoning.effort:
        config["thinkingLevel"] = LEVELS[reasoning.effort]
    return config, warnings


def _knows_budgets_only(endpoint: Endpoint) -> bool:
    declared = endpoint.capabilities.get(_BUDGET)
    return declared is not None and bool(declared.level or declared.supported)
