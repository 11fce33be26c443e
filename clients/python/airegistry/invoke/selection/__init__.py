"""The engine's side of learned selection: what it learns from, what it logs, and what turns it off."""

from airegistry.invoke.selection.journal import Journal
from airegistry.invoke.selection.learned import LearnedSelection, LearnedSettings

__all__ = ["Journal", "LearnedSelection", "LearnedSettings"]
