"""What is chosen between, and what a choice is like before it was tried."""

from __future__ import annotations

from dataclasses import dataclass

Lineage = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Arm:
    """An endpoint or an agent, by name, with what it has in common with others."""

    name: str
    provider: str = ""
    model: str = ""

    @property
    def lineage(self) -> Lineage:
        """What it belongs to, the most general first, itself last: all, its provider, its model at that provider."""
        return ((), (self.provider,), (self.provider, self.model), ("", "", self.name))
