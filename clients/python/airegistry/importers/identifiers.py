"""Ids for models that many providers spell in their own way."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airegistry.importers.report import Note
from airegistry.resources.names import MAX_ID_LENGTH, slug

_HASH_LENGTH = 8


@dataclass(frozen=True, slots=True, order=True)
class Original:
    """A model as one provider knows it."""

    provider: str
    id: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.id}"


def assign_ids(
    originals: Iterable[Original], equivalences: Mapping[str, Iterable[Original]] | None = None
) -> tuple[dict[Original, str], tuple[Note, ...]]:
    """Return a unique model id for every original, and a note for each whose slug was taken.

    The id is the slug of the original id. Where several originals have the same slug, each of them gets its provider as a
    prefix (`openai.gpt-4o`), so that an id never depends on which provider was imported first. Originals that
    *equivalences* puts under one id share it. What is still not unique gets a hash of the original id.
    """
    stated = {original: id_ for id_, group in (equivalences or {}).items() for original in group}
    known = set(originals)
    ids = {original: stated[original] for original in known if original in stated}
    by_slug: dict[str, list[Original]] = defaultdict(list)
    for original in sorted(known - set(ids)):
        by_slug[slug(original.id)].append(original)
    notes = []
    taken = set(ids.values()) | {key for key, group in by_slug.items() if len(group) == 1}
    for key, group in by_slug.items():
        if len(group) == 1 and key and key not in stated.values():
            ids[group[0]] = key
            continue
        for original in group:
            ids[original] = _unique(original, key, taken)
            others = ", ".join(str(other) for other in group if other != original)
            notes.append(Note(str(original), f"slug {key} is shared", f"got {ids[original]}; shared with {others}"))
    return ids, tuple(notes)


def _unique(original: Original, key: str, taken: set[str]) -> str:
    digest = hashlib.sha256(str(original).encode()).hexdigest()[:_HASH_LENGTH]
    plain = slug(f"{original.provider}.{key}")
    hashed = f"{plain[: MAX_ID_LENGTH - _HASH_LENGTH - 1]}-{digest}"
    chosen = plain if key and plain not in taken else hashed
    taken.add(chosen)
    return chosen
