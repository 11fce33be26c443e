"""LiteLLM's price map, as `make setup` takes it out of the pinned wheel: where it is, and what it says."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "build/litellm"
MAP = FOLDER / "litellm/model_prices_and_context_window_backup.json"


@cache
def entries() -> dict[str, dict[str, Any]]:
    """Return every entry by its key, fractions as exact decimals."""
    assert MAP.exists(), "run `make setup`: it takes the map out of LiteLLM's wheel"
    found: dict[str, dict[str, Any]] = json.loads(MAP.read_text(), parse_float=Decimal)
    del found["sample_spec"]
    return found
