"""Whom nobody has to pay: the only ones of whom a listed price of 0 is believed."""

from __future__ import annotations

from airegistry.importers.identifiers import Original

# Models on one's own machine, and a public service.
_PROVIDERS = frozenset({"lemonade", "ollama", "publicai"})
# Ollama's cloud is not one's own machine.
_PAID = "-cloud"
# How marketplaces call what they give away.
_FREE = (":free", "-free")


def is_free(original: Original) -> bool:
    """Say whether a 0 in a price catalog means that a model costs nothing."""
    if original.id.endswith(_FREE):
        return True
    return original.provider in _PROVIDERS and not original.id.endswith(_PAID)
