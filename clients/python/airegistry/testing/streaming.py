"""Watch over a history in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

from airegistry.client.follower import difference
from airegistry.client.messages import (
    WatchEvent,
    WatchEventType,
    WatchFilter,
    WatchRequest,
    WatchResponse,
    WatchResponseKind,
)
from airegistry.errors import ForeignResumeTokenError, InvalidArgumentError
from airegistry.expressions.expression import compile_expression
from airegistry.resources.model import Capability, Modality
from airegistry.resources.names import parse_name
from airegistry.resources.resource import Resource
from airegistry.testing.history import History, View

_BOOKMARK_INTERVAL = 10.0


async def stream(history: History, wanted: WatchRequest) -> AsyncIterator[WatchResponse]:
    """Yield the snapshot unless a position is given, and then every change until the history is closed."""
    after = _position(history, wanted)
    selected = wanted.filter or WatchFilter()
    if selected.filter:
        # A mistake is refused before anything is told.
        compile_expression(selected.filter, "filter.filter")
    for i, name in enumerate(selected.names):
        parse_name(name, field=f"filter.names[{i}]")
    if after is None:
        after = history.revision
        if not wanted.skip_snapshot:
            yield _snapshot(_selected(history.at(after), selected), after)
        yield _message(history, WatchResponseKind.SNAPSHOT_END, after)
    history.at(after)
    resets = history.resets
    while not history.closed:
        if resets != history.resets or after < history.oldest:
            yield WatchResponse(WatchResponseKind.RESET, (), after)
            resets, after = history.resets, history.revision
            yield _snapshot(_selected(history.at(after), selected), after)
            yield _message(history, WatchResponseKind.SNAPSHOT_END, after)
        interval = wanted.bookmark_interval or _BOOKMARK_INTERVAL
        if not await history.grown(after, within=interval):
            yield _message(history, WatchResponseKind.BOOKMARK, after)
            continue
        while history.oldest <= after < history.revision and resets == history.resets:
            old, new = history.at(after), history.at(after + 1)
            after += 1
            if events := _changes(_selected(old, selected), _selected(new, selected), after):
                yield _message(history, WatchResponseKind.CHANGES, after, events)


def _position(history: History, wanted: WatchRequest) -> int | None:
    if wanted.bookmark_interval is not None and wanted.bookmark_interval < 1:
        raise InvalidArgumentError.of("bookmark_interval", "must be at least 1 s")
    resumes = bool(wanted.resume_token)
    if resumes and wanted.after_revision is not None:
        raise InvalidArgumentError.of("after_revision", "must be unset when resume_token is set")
    if wanted.skip_snapshot and (resumes or wanted.after_revision is not None):
        raise InvalidArgumentError.of("skip_snapshot", "must be unset when a position is given")
    if not resumes:
        return wanted.after_revision
    store, colon, revision = wanted.resume_token.partition(":")
    if not colon or not revision.isdigit():
        raise InvalidArgumentError.of("resume_token", "is not a token of a watch")
    if store != history.store_id:
        raise ForeignResumeTokenError("the resume token is of another store")
    return int(revision)


def _message(
    history: History, kind: WatchResponseKind, revision: int, events: tuple[WatchEvent, ...] = ()
) -> WatchResponse:
    return WatchResponse(kind, events, revision, f"{history.store_id}:{revision}")


def _snapshot(view: View, revision: int) -> WatchResponse:
    events = (WatchEvent(WatchEventType.ADDED, resource.revision, resource) for resource in view.values())
    return WatchResponse(WatchResponseKind.SNAPSHOT, tuple(events), revision)


def _changes(old: View, new: View, revision: int) -> tuple[WatchEvent, ...]:
    return tuple(WatchEvent(event.type, revision, event.resource) for event in difference(old, new, revision))


def _selected(view: View, wanted: WatchFilter) -> View:
    return {name: resource for name, resource in view.items() if _matches(resource, wanted)}


def _matches(resource: Resource, wanted: WatchFilter) -> bool:
    return (
        (not wanted.names or resource.name in wanted.names)
        and (not wanted.kinds or resource.kind in wanted.kinds)
        and resource.name.startswith(wanted.name_prefix)
        and wanted.labels.items() <= resource.labels.items()
        and all(_can(resource, name) for name in wanted.capabilities)
        and (not wanted.filter or compile_expression(wanted.filter, "filter.filter").holds(resource))
    )


def _can(resource: Resource, name: str) -> bool:
    if resource.agent is not None:
        return any(name == skill.id or name in skill.tags for skill in resource.agent.skills)
    if resource.model is None:
        return True
    if name == "vision" and Modality.IMAGE in resource.model.input_modalities:
        return True
    known = resource.model.capabilities.get(name, Capability())
    return bool(known.level or known.supported)
