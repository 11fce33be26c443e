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
    digest: str = ""


@dataclass(frozen=True, slots=True)
class FactSource:
    """Facts of a resource that come from elsewhere than its provenance says."""

    fields: tuple[str, ...] = ()
    provenance: Provenance | None = None
    inferred: bool = False
