"""Names in a query that nobody has and nobody knows, but that are nearly one that is known.

A name that is merely unknown is no mistake: who has it may come, and may have been there a moment ago; it cuts everybody, and
the exclusions say so. But one letter off, and the answer would be silence where a word helps.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from itertools import chain
from typing import Any

from airegistry.discovery.columns.table import Table
from airegistry.discovery.rows.row import UNKNOWN, Mark
from airegistry.discovery.vocabulary import CAPABILITIES, TASKS, is_region_word
from airegistry.errors import FieldViolation
from airegistry.resources.agent import AgentCapabilities
from airegistry.resources.validation.query import ALL_UNKNOWN
from airegistry.resources.validation.rules import Violations

_NEAR = 0.8
_MOST_COMPARED = 2_000
_WORDS = re.compile(r"[a-z]+")
_PARTS = re.compile(r"[a-z]+|[0-9]+")
_SHORT = 2
_OF_AGENTS = frozenset(field.name for field in fields(AgentCapabilities))


def typos(asked: Mapping[str, Any], table: Table, path: str) -> Violations:
    """Yield the names that are likely mistyped, with what was likely meant; *path* is where the query stands."""
    passing = asked.get("allow_unknown", ())
    for field, known in _known(asked, table):
        # Who lets the unknown pass may well ask for what nobody declares yet.
        if field in passing or ALL_UNKNOWN in passing:
            continue
        for where, name in _names(field, asked[field]):
            if not any(name in names for names in known) and (near := _nearest(name, chain(*known))):
                problem = f"nothing here has {name!r}; did you mean {near!r}?"
                yield FieldViolation(f"{path}.requirements.{where}", problem)


def _known(asked: Mapping[str, Any], table: Table) -> Iterator[tuple[str, tuple[Collection[str], ...]]]:
    """Yield the fields asked for that name something, with the names that are known there."""
    registered = table.marks.texts
    if "task" in asked:
        yield "task", (TASKS, registered(Mark.TASK))
    for field in ("all_capabilities", "any_capabilities"):
        if field in asked:
            yield field, (CAPABILITIES, _OF_AGENTS, registered(Mark.CAPABILITY), registered(Mark.LACKING))
    if "regions" in asked:
        yield "regions", (registered(Mark.REGION),)


def _names(field: str, value: str | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield where each name stands that could be a typo."""
    if isinstance(value, str):
        yield field, value
        return
    for i, name in enumerate(value):
        if field != "regions" or not _is_regular_region(name):
            yield f"{field}[{i}]", name


def _is_regular_region(name: str) -> bool:
    """Say whether it is a prefix, or a name as clouds make them: `us-west` is no typo where only `us-east` is there."""
    words = _WORDS.findall(name)
    return name.endswith("*") or (bool(words) and all(map(is_region_word, words)))


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that differs by a slip; empty when there is none.

    Numbers and parts of one or two letters tell names apart: `zone-b` is no slip for `zone-a`, nor `gpu2` for `gpu1`.
    """
    fixed = _fixed(name)
    alike = sorted({each for each in known if each != UNKNOWN and _fixed(each) == fixed})[:_MOST_COMPARED]
    return next(iter(get_close_matches(name, alike, n=1, cutoff=_NEAR)), "")


def _fixed(name: str) -> list[str]:
    return [part for part in _PARTS.findall(name.lower()) if part.isdigit() or len(part) <= _SHORT]
