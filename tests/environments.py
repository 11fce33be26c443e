"""The environment of the programs that tests start."""

from __future__ import annotations

import os

from tests.planes import CARRIER


def environment(**settings: object) -> dict[str, str]:
    """Our environment with these settings (`DATA_DIR`) instead of those that it has, on the carrier under test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIREGISTRY_")}
    given = {"CARRIER": CARRIER} | settings
    return kept | {f"AIREGISTRY_{name}": str(value) for name, value in given.items()}
