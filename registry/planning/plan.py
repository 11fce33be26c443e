"""A request on its way to the store: what decides it, and what was decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Generic, NoReturn, TypeVar

from airegistry.errors import InvalidArgumentError, RegistryError
from registry.entries import Entries
from registry.entry import Draft, Entry
from registry.leases import Leases
from registry.requests import MAX_REQUEST_ID
from registry.store.records import Write

T = TypeVar("T")
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What requests are decided against: everything that was published, and the leases that they are about.

    `now` gives seconds since 1970 by the store's clock.
    """

    entries: Entries
    revision: int
    leases: Leases
    now: Callable[[], float]

    def time(self) -> datetime:
        """Return the store's time as resources show it."""
        return datetime.fromtimestamp(self.now(), UTC)


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided: what to write, and what to answer once that is done.

    `touched` has every name that the decision reads or changes; two plans that share none can be written together. The
    answer is made of `facts` and of the entries that `shown` has become.
    """

    write: Write
    touched: frozenset[str] = frozenset()
    shown: tuple[Draft | Entry, ...] = ()
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order(Generic[T]):
    """A request, with all done that needs no state.

    `decide` makes the plan, or raises why there is none. `answer` makes the reply from the revision, the facts and the
    entries; it serves replays too. `leases` names the leases that `decide` looks at, given what is published. `fingerprint`
    tells the payload from others with the same `request_id`; `size` is its size in bytes, as far as it matters; `fenced`
    says that only the sweeper may have it carried out.
    """

    decide: Callable[[State], Plan]
    answer: Callable[[int, Facts, Sequence[Entry]], T]
    leases: Callable[[Entries], Iterable[str]]
    request_id: str = ""
    fingerprint: str = ""
    size: int = 0
    validate_only: bool = False
    fenced: bool = False


def check_request_id(request_id: str) -> None:
    """Refuse a request_id that is too long to keep."""
    if len(request_id) > MAX_REQUEST_ID:
        raise InvalidArgumentError.of("request_id", f"must have at most {MAX_REQUEST_ID} characters")


def no_leases(_entries: Entries) -> Iterable[str]:
    """Name the leases of a decision that looks at none."""
    return ()


def refusal(error: RegistryError) -> Callable[[State], Plan]:
    """Return the decision to raise *error*: a replay must find its saved reply before its payload is judged."""

    def decide(_state: State) -> NoReturn:
        raise error

    return decide


def fingerprint(*parts: object) -> str:
    """Return a digest of a payload."""
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()
