"""The account of a call, as a member of an answer that Anthropic's SDKs do not know and leave alone."""

from __future__ import annotations

from typing import Any

from airegistry.invocations.invocation import Settlement
from airegistry.invoke.counting import Counted
from gateway.fronts.accounts import settlement_value
from gateway.fronts.anthropic.usage import unknown_counts


def account_value(settlement: Settlement | None, lost: list[str]) -> dict[str, Any]:
    """Return what stands under `airegistry`: who answered, at what cost, and what was lost or is not known."""
    value = settlement_value(settlement, lost)
    if unknown := unknown_counts(settlement.usage if settlement is not None else None):
        value["usage_unknown"] = unknown
    return value


def account_of_count(counted: Counted) -> dict[str, Any]:
    """Return what stands under `airegistry` beside a count of tokens."""
    value = settlement_value(counted.settlement, [])
    # A count has no price of its own.
    value.pop("cost", None)
    return {**value, "estimated": counted.estimated}
