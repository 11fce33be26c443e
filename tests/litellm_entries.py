"""Single entries of LiteLLM's price map, imported, and what they cost."""

import json
from datetime import UTC, datetime
from typing import Any

from airegistry.importers.files import SourceFile
from airegistry.importers.litellm.catalog import to_catalog
from airegistry.resources.prices import PriceBucket
from airegistry.resources.pricing import in_force, nanos_for
from airegistry.resources.provenance import Provenance

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def imported(**entries: Any) -> Any:
    """Import a map with these entries, of a provider whom we know how to reach."""
    spelled = {key: {"litellm_provider": "groq", "mode": "chat"} | fields for key, fields in entries.items()}
    return to_catalog(SourceFile(json.dumps(spelled, default=float).encode(), Provenance("litellm", "1")))


def nanos(endpoint: Any, tokens: int = 0, **variant: str) -> dict[PriceBucket, int | None]:
    return {bucket: nanos_for(price, tokens) for bucket, price in in_force(endpoint.prices, NOW, variant).items()}
