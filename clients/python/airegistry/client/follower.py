"""Where a watcher stands: messages of one stream after another in, whole updates out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from airegistry.client.messages import WatchEvent, WatchEventType, WatchRequest, WatchResponse, WatchResponseKind
from airegistry.resources.resource import Resource


@dataclass(frozen=True, slots=True)
class WatchUpdate:
    """One step of a Watch: what happened to the set up to `revision`, whole revisions only.

    `snapshot` says that the set is known as a whole now: at the start, and after a resync or a reset, where the events are
    what the snapshot changed. No events: only the position moved.
    """

    revision: int
    events: tuple[WatchEvent, ...] = ()
    resume_token: str = ""
    snapshot: bool = False


class Follower:
    """The set as one watcher knows it. No I/O: `request` says what to ask next, `take` what an answer means.

    What is incomplete is kept aside, so `known` always shows one revision, and a cut loses nothing but the half.
    """

    def __init__(self, request: WatchRequest, known: Iterable[Resource] = ()) -> None:
        self.known: dict[str, Resource] = {resource.name: resource for resource in known}
        self._request = request
        self._aside: dict[str, Resource] = {}
        self._parts: list[WatchEvent] = []

    @property
    def request(self) -> WatchRequest:
        """What to ask for next, after everything that was taken."""
        return self._request

    @property
    def resumes(self) -> bool:
        """Whether the next request goes on from a position."""
        return bool(self._request.resume_token) or self._request.after_revision is not None

    def cut(self) -> None:
        """Note that the stream ended or begins anew: the half of what it was sending comes again."""
        self._aside = {}
        self._parts = []

    def start_over(self) -> None:
        """Note that the position is of no use: the next request asks for a snapshot."""
        self.cut()
        self._request = replace(self._request, resume_token="", after_revision=None, skip_snapshot=False)

    def take(self, response: WatchResponse) -> WatchUpdate | None:
        """Return what a message completes; None where it completes nothing."""
        match response.kind:
            case WatchResponseKind.SNAPSHOT:
                self._aside.update(_present(response.events))
                return None
            case WatchResponseKind.SNAPSHOT_END:
                self._aside.update(_present(response.events))
                return self._complete_snapshot(response)
            case WatchResponseKind.CHANGES:
                self._parts.extend(response.events)
                return None if response.fragment else self._complete_changes(response)
            case WatchResponseKind.BOOKMARK:
                return self._moved(response)
            case WatchResponseKind.RESET:
                # What is known stays, and the position with it, until the snapshot that follows is complete.
                self.cut()
                return None
        # A kind of message that this version does not know.
        return None

    def _complete_snapshot(self, response: WatchResponse) -> WatchUpdate:
        # What is equal stays the object that it was: others hold it too, and two copies would be kept from here on.
        fresh = {name: known if (known := self.known.get(name)) == new else new for name, new in self._aside.items()}
        self._aside = {}
        events = tuple(difference(self.known, fresh, response.revision))
        self.known = fresh
        return self._moved(response, events, snapshot=True)

    def _complete_changes(self, response: WatchResponse) -> WatchUpdate:
        events, self._parts = self._parts, []
        known = tuple(event for event in events if _understood(event))
        for event in known:
            if event.resource is None:
                continue
            if event.type is WatchEventType.REMOVED:
                self.known.pop(event.resource.name, None)
            else:
                self.known[event.resource.name] = event.resource
        return self._moved(response, known)

    def _moved(
        self, response: WatchResponse, events: tuple[WatchEvent, ...] = (), *, snapshot: bool = False
    ) -> WatchUpdate:
        self._request = replace(
            self._request, resume_token=response.resume_token, after_revision=None, skip_snapshot=False
        )
        return WatchUpdate(response.revision, events, response.resume_token, snapshot)


def _understood(event: WatchEvent) -> bool:
    """Say whether this version knows the kind of the resource; others are skipped (see resource.proto)."""
    if event.type is None or event.resource is None:
        return False
    return event.type is WatchEventType.REMOVED or event.resource.kind is not None


def _present(events: Iterable[WatchEvent]) -> dict[str, Resource]:
    return {event.resource.name: event.resource for event in events if event.resource and _understood(event)}


def difference(old: Mapping[str, Resource], new: Mapping[str, Resource], revision: int) -> Iterator[WatchEvent]:
    """Yield what turns *old* into *new*; what is gone is dated *revision*."""
    for name, resource in old.items():
        if name not in new:
            yield WatchEvent(WatchEventType.REMOVED, revision, resource)
    for name, resource in new.items():
        if name not in old:
            yield WatchEvent(WatchEventType.ADDED, resource.revision, resource)
        elif old[name] != resource:
            yield WatchEvent(WatchEventType.UPDATED, resource.revision, resource)
