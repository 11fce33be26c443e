"""Marks for a provider's cache, in the form that Anthropic gave them and that many clients send to others too."""

from __future__ import annotations

from gateway.fronts.fields import Fields


def cache_mark_of(fields: Fields) -> str:
    """Return how a block or a tool asks for the cache (`ephemeral`, `1h`); empty when it does not."""
    mark = fields.nested("cache_control")
    if mark is None:
        return ""
    kind, ttl = mark.text("type"), mark.text("ttl")
    return "1h" if ttl == "1h" else kind
