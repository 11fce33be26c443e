"""Where a fact comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a fact comes from."""

    source: str = ""
    source_version: str = ""
    url: str = ""
    retrieve_time: datetime | None = None
