"""A resource as an import states it, over the one that is there: an import drops nothing, and takes nothing from another source.

For each fact that an import states: nobody said it before: it is added. The same source said it, or the registrant: it is
replaced. Another source said it: that stays, and the conflict is noted, unless the import was told to prevail. What a source
states replaces what another one's facts were only concluded to mean, and never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from airegistry.importers.facts import (
    Owner,
    Said,
    Spec,
    facts_of,
    provenances_of,
    same_fact,
    same_source,
    with_facts,
)
from airegistry.importers.report import Note
from airegistry.importers.showing import shown
from airegistry.resources.resource import Resource

# Lists in which all sides name things that stay true.
_UNITED = frozenset({"aliases", "original_ids"})


def merge(
    stated: Resource, existing: Resource | None, notes: list[Note] | None = None, *, prevail: bool = False
) -> Resource:
    """Return what to register: *existing*, with what *stated* adds to it; conflicts between sources go to *notes*.

    So a credential, aliases, weights, labels and limits that somebody added outlive every import. Both have the same
    name, hence the same kind. The result has no etag: an import sets no condition. Only models and endpoints are merged;
    of other kinds what is stated is taken.
    """
    if existing is None:
        return stated
    found = notes if notes is not None else []
    labels = {**existing.labels, **stated.labels}
    if stated.model is not None and existing.model is not None:
        model = _merged(stated.name, existing.model, stated.model, found, prevail=prevail)
        return Resource(name=stated.name, labels=labels, model=model)
    if stated.endpoint is not None and existing.endpoint is not None:
        endpoint = _merged(stated.name, existing.endpoint, stated.endpoint, found, prevail=prevail)
        return Resource(name=stated.name, labels=labels, endpoint=endpoint)
    return replace(stated, labels=labels)


def merge_all(
    stated: Iterable[Resource], existing: Mapping[str, Resource], *, prevail: bool = False
) -> tuple[list[Resource], list[Note]]:
    """Return what to register, and a note for each conflict and each resource that somebody else holds: it is left alone."""
    merged: dict[str, Resource] = {}
    notes: list[Note] = []
    for resource in stated:
        known = existing.get(resource.name)
        if known is not None and known.status is not None and known.status.liveness is not None:
            notes.append(Note(resource.name, "leased by its holder: left alone"))
            continue
        # Several models of a catalog may be one in the registry.
        merged[resource.name] = merge(resource, merged.get(resource.name, known), notes, prevail=prevail)
    return list(merged.values()), notes


def changed(resource: Resource, existing: Resource | None) -> bool:
    """Say whether registering *resource* would change anything."""
    return existing is None or (resource.spec, dict(resource.labels)) != (existing.spec, dict(existing.labels))


def _merged(name: str, old: Spec, new: Spec, notes: list[Note], *, prevail: bool) -> Spec:
    before = facts_of(old)
    facts = _folded(name, before, facts_of(new), notes, prevail=prevail)
    sources = provenances_of(old)
    newer = {
        source: found for source, found in provenances_of(new).items() if not same_source(found, sources.get(source))
    }
    return with_facts(old, facts, {**sources, **newer}) if newer or facts != before else old


def _folded(
    name: str, before: Mapping[str, Said], stated: Mapping[str, Said], notes: list[Note], *, prevail: bool
) -> dict[str, Said]:
    facts = dict(before)
    for fact, said in stated.items():
        known = facts.get(fact)
        if known is None:
            facts[fact] = said
        elif fact in _UNITED:
            facts[fact] = Said(tuple(dict.fromkeys((*said.value, *known.value))), known.owner)
        elif same_fact(known.value, said.value):
            facts[fact] = _confirmed(known, said)
        else:
            notes += _conflict(name, fact, known, said, prevail=prevail)
            facts[fact] = said if _prevails(said.owner, known.owner, prevail=prevail) else known
    return facts


def _confirmed(known: Said, said: Said) -> Said:
    """Return a fact that both sides say: it stays whose it was, unless it was only concluded."""
    if known.owner.inferred and not said.owner.inferred:
        return said
    old, new = getattr(known.value, "provenance", None), getattr(said.value, "provenance", None)
    # A price list carries its provenance: from a newer version of its source it is newer, too.
    return said if known.owner == said.owner and not same_source(old, new) else known


def _prevails(says: Owner, owner: Owner, *, prevail: bool) -> bool:
    if says.inferred != owner.inferred:
        return owner.inferred
    return owner.source in {"", says.source} or (prevail and not says.inferred)


def _conflict(name: str, fact: str, known: Said, said: Said, *, prevail: bool) -> list[Note]:
    """Return a note when two sources, or a source and the registrant, state different things."""
    if known.owner.inferred or said.owner.inferred or known.owner.source == said.owner.source:
        return []
    theirs, ours = known.owner.source or "the registrant", said.owner.source or "the registrant"
    done = "replaced" if _prevails(said.owner, known.owner, prevail=prevail) else "kept"
    detail = f"{shown(known.value, beside=said.value)}; {ours} says {shown(said.value, beside=known.value)}"
    return [Note(name, f"{ours} says otherwise than {theirs}, {done}: {fact}", detail)]
