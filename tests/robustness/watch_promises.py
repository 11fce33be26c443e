"""The promises of Watch, checked on raw messages: what the validators want to know is put together here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from airegistry.client.messages import WatchEventType
from airegistry.v1 import registry_service_pb2 as pb
from tests.robustness import validators
from tests.robustness.case import Case
from tests.robustness.history import Ended, Fate, Message, Opened
from tests.robustness.payloads import FILTERS
from tests.robustness.versions import Version


@dataclass(frozen=True, slots=True)
class Event:
    """An event as the validators read it."""

    type: WatchEventType
    revision: int
    resource: Version


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a watcher: whole revisions, or a snapshot, or a mark."""

    revision: int
    events: tuple[Event, ...] = ()
    snapshot: bool = False


@dataclass(slots=True)
class Chain:
    """What one watcher was told from one beginning on, stream by stream; `what` names it."""

    filter: str
    what: str
    streams: list[list[Step]] = field(default_factory=list)

    def open_stream(self, position: int | None) -> list[Step]:
        """Begin a stream, at the *position* that it was asked for."""
        steps = [Step(position)] if position is not None else []
        self.streams.append(steps)
        return steps

    @property
    def told(self) -> list[list[Step]]:
        """The streams on which anything came."""
        return [stream for stream in self.streams if stream]

    @property
    def steps(self) -> list[Step]:
        """All of it as one."""
        return [step for stream in self.streams for step in stream]


class MalformedError(AssertionError):
    """Messages came that cannot follow each other."""


@lru_cache(maxsize=1)
def chains(case: Case) -> tuple[Chain, ...]:
    """Put the messages together: a stream that resumes belongs to the chain that it resumes, a RESET begins another one."""
    messages: dict[int, list[Message]] = {}
    for record in case.history.streams:
        if isinstance(record, Message):
            messages.setdefault(record.stream, []).append(record)
    found: list[Chain] = []
    newest: dict[int, Chain] = {}

    def begin(opened: Opened) -> Chain:
        chain = newest[opened.chain] = Chain(opened.filter, f"{opened.client}, chain {opened.chain}")
        found.append(chain)
        return chain

    for opened in (record for record in case.history.streams if isinstance(record, Opened)):
        chain = newest.get(opened.chain)
        if chain is None or not opened.resumed:
            chain = begin(opened)
        steps = chain.open_stream(opened.position if messages.get(opened.stream) else None)
        for kind, step in _assembled(opened, messages.get(opened.stream, [])):
            if kind == pb.WATCH_RESPONSE_KIND_RESET:
                steps = begin(opened).open_stream(None)
            else:
                steps.append(step)
    return tuple(chain for chain in found if chain.steps)


def _assembled(opened: Opened, messages: Sequence[Message]) -> Iterator[tuple[int, Step]]:
    """Make steps of messages: those of one snapshot, and the fragments of one revision, belong together."""
    parts: list[Event] = []
    in_snapshot = opened.position is None
    for message in messages:
        events = [Event(WatchEventType(told.type), told.revision, told.resource) for told in message.events]
        whole = message.kind != pb.WATCH_RESPONSE_KIND_SNAPSHOT and not message.fragment
        token = bool(message.token)
        what = f"stream {opened.stream}: {pb.WatchResponseKind.Name(message.kind)} at {message.revision}"  # type: ignore[arg-type]  # a number
        match message.kind:
            case pb.WATCH_RESPONSE_KIND_RESET:
                _must(not parts and not token, f"{what} inside something")
                in_snapshot = True
                yield message.kind, Step(message.revision)
                continue
            case pb.WATCH_RESPONSE_KIND_SNAPSHOT:
                _must(in_snapshot, f"{what} after the end of the snapshot")
            case pb.WATCH_RESPONSE_KIND_SNAPSHOT_END:
                _must(in_snapshot, f"{what}, and there was none")
                yield message.kind, Step(message.revision, (*parts, *events), snapshot=True)
                in_snapshot, parts = False, []
                _must(token, f"{what} has no token")
                continue
            case pb.WATCH_RESPONSE_KIND_CHANGES:
                _must(not in_snapshot, f"{what} inside a snapshot")
                _must(bool(events), f"{what} without events")
            case pb.WATCH_RESPONSE_KIND_BOOKMARK:
                _must(not in_snapshot and not parts and not events, f"{what} inside something")
        _must(token is whole, f"{what} has {'a' if token else 'no'} token")
        parts += events
        if whole:
            yield message.kind, Step(message.revision, tuple(parts))
            parts = []


def _must(condition: bool, what: str) -> None:  # noqa: FBT001 - as with assert
    if not condition:
        raise MalformedError(what)


def check_ordered(case: Case) -> None:
    """Ordered: on each stream, and over all of a chain."""
    for chain, _ in _each(case):
        for steps in (*chain.told, chain.steps):
            validators.check_ordered(steps)


def check_unique(case: Case) -> None:
    """Unique: on each stream; over cuts, that is Resumable."""
    for chain, _ in _each(case):
        for steps in chain.told:
            validators.check_unique(steps)


def check_atomic(case: Case) -> None:
    """Atomic."""
    for chain, matches in _each(case):
        validators.check_atomic(chain.steps, case.log, matches)


def check_reliable(case: Case) -> None:
    """Reliable: on each stream; over cuts, that is Resumable."""
    for chain, matches in _each(case):
        for steps in chain.told:
            validators.check_reliable(steps, case.log, matches)


def check_resumable(case: Case) -> None:
    """Resumable."""
    for chain, matches in _each(case):
        validators.check_resumable(chain.told, case.log, matches)


def check_bookmarkable(case: Case) -> None:
    """Bookmarkable."""
    for chain, matches in _each(case):
        validators.check_bookmarkable(chain.steps, case.log, matches)


def check_filtered(case: Case) -> None:
    """Filtered: also, each event shows the resource as it was then, and a snapshot all that there was."""
    for chain, matches in _each(case):
        validators.check_filtered(chain.steps, case.log, matches)
        _check_shown(case, chain, matches)
    _check_snapshots(case)


def check_refused_streams(case: Case) -> None:
    """A stream is refused only for a revision that is gone, or that nobody knew of."""
    opened = {record.stream: record for record in case.history.streams if isinstance(record, Opened)}
    for end in (record for record in case.history.streams if isinstance(record, Ended)):
        begin = opened.get(end.stream)
        if end.fate is not Fate.REFUSED or begin is None:
            continue
        what = f"stream {end.stream} from {begin.position} at replica {begin.replica} was refused: {end.reason} {end.known}"
        match end.reason:
            case "REVISION_IN_FUTURE":
                known = case.floor(begin.at)
                assert (begin.position or 0) > known, f"{what}, though {known} was known"
            case "REVISION_COMPACTED":
                # One that was overtaken while it ran got as far as its last message.
                assert int(end.known["compact_revision"]) > (begin.position or 0), what
            case "OVERLOADED":
                pass
            case _:
                raise AssertionError(what)


def _check_shown(case: Case, chain: Chain, matches: validators.Matches) -> None:
    told = case.log.told(matches)
    for step in chain.steps:
        for event in () if step.snapshot else step.events:
            facts = case.facts.get(event.revision, ())
            fact = next((fact for fact in facts if fact.name == event.resource.name), None)
            assert fact is not None, f"{event} is not in the log"
            removed = told.get(event.revision, {}).get(fact.name) is validators.REMOVED
            wanted = fact.old if removed else fact.new
            assert event.resource == wanted, f"{event} shows another resource than {wanted}"


def _check_snapshots(case: Case) -> None:
    wanted: dict[int, list[tuple[Chain, Step]]] = {}
    for chain in chains(case):
        for step in chain.steps:
            if step.snapshot and step.revision >= case.first:
                wanted.setdefault(step.revision, []).append((chain, step))
    for revision, state in case.states():
        for chain, step in wanted.get(revision, ()):
            matches = FILTERS[chain.filter][1]
            right = {name: version for name, version in state.items() if matches(version)}
            shown = {event.resource.name: event.resource for event in step.events}
            assert len(shown) == len(step.events), f"{chain.what}: a name twice in the snapshot of {revision}"
            wrong = sorted(name for name in shown.keys() | right.keys() if shown.get(name) != right.get(name))
            assert not wrong, f"{chain.what}: the snapshot of {revision} is wrong about {wrong}"


def _each(case: Case) -> Iterator[tuple[Chain, validators.Matches]]:
    """Yield every chain with its filter."""
    for chain in chains(case):
        yield chain, FILTERS[chain.filter][1]
