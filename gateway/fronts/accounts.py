"""The account of a call as it stands in the JSON of answers, for every front."""

from __future__ import annotations

from typing import Any

from airegistry.invocations.invocation import Settlement
from airegistry.invocations.usage import Cost


def settlement_value(settlement: Settlement | None, lost: list[str]) -> dict[str, Any]:
    """Return what stands under `airegistry`: who answered, at what cost, after how many attempts, and what was lost."""
    if settlement is None:
        return {"warnings": lost} if lost else {}
    value: dict[str, Any] = {
        "target": settlement.target,
        "attempts": len(settlement.attempts),
    }
    for name in ("model", "provider", "route", "split_arm"):
        if said := getattr(settlement, name):
            value[name] = said
    if settlement.cost is not None:
        value["cost"] = _cost(settlement.cost)
    if warnings := [*(f"{w.path}: {w.message}" for w in settlement.warnings), *lost]:
        value["warnings"] = warnings
    return value


def _cost(cost: Cost) -> dict[str, Any]:
    value: dict[str, Any] = {"state": cost.state.name if cost.state else "UNKNOWN", "nano_usd": cost.nanos}
    if cost.unpriced:
        value["unpriced"] = list(cost.unpriced)
    return value
