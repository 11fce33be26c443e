"""Which resources a Watch or a List selects, and what a change does to that set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from hashlib import blake2b

from airegistry.errors import InvalidArgumentError
from airegistry.expressions.expression import Expression, compile_expression
from airegistry.resources.agent import Agent
from airegistry.resources.model import Capability, Modality, Model
from airegistry.resources.names import parse_name
from airegistry.resources.validation import validate_labels
from registry.entries import Entries
from registry.entry import Entry
from registry.history import Event
from registry.rpc.requests import WatchFilter
from registry.rpc.satisfying import satisfies

MAX_CAPABILITIES = 32
MAX_CAPABILITY = 128
MAX_PREFIX = 512
MAX_NAMES = 1_000
# What a key is at most, in characters: it is kept for as long as what was encoded for it.
_MAX_KEY = 256


class EventType(IntEnum):
    """What happened to the set that a filter selects."""

    ADDED = 1
    UPDATED = 2
    REMOVED = 3


class Selection:
    """A filter ready to be asked. Equal filters have equal keys, so that what is encoded for one serves all."""

    def __init__(self, wanted: WatchFilter, expression: Expression | None = None) -> None:
        self._names = frozenset(wanted.names)
        self._kinds = frozenset(wanted.kinds)
        self._prefix = wanted.name_prefix
        self._labels = dict(wanted.labels)
        self._capabilities = frozenset(wanted.capabilities)
        self._expression = expression
        self.key = _key(
            *(sorted(self._names), sorted(self._kinds), self._prefix),
            *(sorted(self._labels.items()), sorted(self._capabilities), wanted.filter),
        )

    def among(self, entries: Entries) -> Iterator[Entry]:
        """Yield the selected *entries*, in the order of their names; names that were given are looked up."""
        if self._names:
            found = (entries.get(name) for name in sorted(self._names))
            return (entry for entry in found if entry is not None and self.has(entry))
        return filter(self.has, entries.under(self._prefix))

    def has(self, entry: Entry) -> bool:
        """Say whether *entry* is selected."""
        # The cheap tests come first: the fields of an entry are parsed only when they are asked for.
        return (
            (not self._names or entry.name in self._names)
            and (not self._kinds or entry.kind in self._kinds)
            and entry.name.startswith(self._prefix)
            and has_labels(entry, self._labels)
            and (not self._capabilities or self._capable(entry))
            and (self._expression is None or satisfies(entry, self._expression))
        )

    def change(self, event: Event) -> tuple[EventType, Entry] | None:
        """Return what *event* does to the set, with the entry to show; None when it does nothing."""
        old = event.old if event.old is not None and self.has(event.old) else None
        new = event.new if event.new is not None and self.has(event.new) else None
        if new is not None:
            return (EventType.ADDED if old is None else EventType.UPDATED), new
        return None if old is None else (EventType.REMOVED, old)

    def _capable(self, entry: Entry) -> bool:
        match entry.resource.spec:
            case Model() as model:
                return all(_can(model, capability) for capability in self._capabilities)
            case Agent() as agent:
                return self._capabilities <= {word for skill in agent.skills for word in (skill.id, *skill.tags)}
        return True


def open_selection(wanted: WatchFilter | None) -> Selection:
    """Check a filter, and return it ready to be asked."""
    wanted = wanted or WatchFilter()
    if len(wanted.capabilities) > MAX_CAPABILITIES:
        raise InvalidArgumentError.of(
            "filter.capabilities", f"has {len(wanted.capabilities)} elements; at most {MAX_CAPABILITIES} are allowed"
        )
    if len(wanted.name_prefix) > MAX_PREFIX:
        raise InvalidArgumentError.of("filter.name_prefix", f"must have at most {MAX_PREFIX} characters")
    for i, capability in enumerate(wanted.capabilities):
        if len(capability) > MAX_CAPABILITY:
            raise InvalidArgumentError.of(f"filter.capabilities[{i}]", f"must have at most {MAX_CAPABILITY} characters")
    if len(wanted.names) > MAX_NAMES:
        raise InvalidArgumentError.of(
            "filter.names", f"has {len(wanted.names)} elements; at most {MAX_NAMES} are allowed"
        )
    for i, name in enumerate(wanted.names):
        parse_name(name, field=f"filter.names[{i}]")
    if violations := validate_labels(wanted.labels, path="filter.labels"):
        raise InvalidArgumentError(violations=violations)
    return Selection(wanted, compile_expression(wanted.filter, "filter.filter") if wanted.filter else None)


def has_labels(entry: Entry, labels: Mapping[str, str]) -> bool:
    """Say whether *entry* has each of *labels* with that value."""
    return not labels or labels.items() <= entry.resource.labels.items()


def _key(*facts: object) -> str:
    """Return a text for *facts*: Python hashes a text only once. A long one is replaced by its digest."""
    text = repr(facts)
    return text if len(text) <= _MAX_KEY else blake2b(text.encode()).hexdigest()


def _can(model: Model, name: str) -> bool:
    if name == "vision" and Modality.IMAGE in model.input_modalities:
        return True
    known = model.capabilities.get(name, Capability())
    return known.level > 0 if known.level is not None else known.supported is True
