"""What an import gives: the resources, and what a person should know about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from airegistry.resources.resource import Resource


@dataclass(frozen=True, slots=True)
class Note:
    """Something about one entry of a source: what was left out or renamed, and why."""

    subject: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Catalog:
    """The resources of a source, parents before children.

    `notes` say what was left out or changed, `collisions` which ids had to be told apart.
    """

    source: str
    resources: tuple[Resource, ...]
    notes: tuple[Note, ...] = ()
    collisions: tuple[Note, ...] = ()


def count_by_reason(notes: Iterable[Note]) -> dict[str, int]:
    """Return how many notes there are for each reason, the most frequent first."""
    return dict(Counter(note.reason for note in notes).most_common())
