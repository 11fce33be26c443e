"""Counting the tokens of a request in the way that it would be answered: the same routes, retries and deadlines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from airegistry.dialects.base import CountsTokens, Dialect
from airegistry.dialects.exchange import Answer, Encoded, Input, StreamDecoder
from airegistry.errors import ProviderError, UnsupportedFieldError
from airegistry.invocations.invocation import Attempt, Settlement
from airegistry.invocations.kinds import RawResponse
from airegistry.invoke.attempts.work import Means
from airegistry.invoke.observer import Circumstances, Observer
from airegistry.invoke.standing import Spoken
from airegistry.resources.endpoint import Endpoint
from airegistry.routing.latencies import Latencies
from airegistry.routing.target import Target

_NOTHING: Final = RawResponse()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many input tokens a request has. Without a settlement nobody was asked, because who would be asked cannot count."""

    tokens: int
    estimated: bool = False
    settlement: Settlement | None = None


class UncountableError(Exception):
    """Who would be asked cannot count: no other target is tried in its place, for others count otherwise."""


class Counter:
    """One count: the dialects that ask for it, and what came of it."""

    def __init__(self) -> None:
        self.tokens: int | None = None

    def over(self, spoken: Spoken) -> Spoken:
        """Return dialects that ask for the count in the place of the answer."""
        return {name: _Counting(dialect, self) for name, dialect in spoken.items()}

    def means(self, means: Means) -> Means:
        """Return means of which a count leaves no traces that only answers may leave."""
        return replace(means, latencies=Latencies(means.now), observer=_AttemptsAlone(means.observer))


class _Counting:
    """A dialect that counts what another one would ask."""

    def __init__(self, dialect: Dialect, counter: Counter) -> None:
        self._dialect = dialect
        self._counter = counter
        self.name = dialect.name

    def speaks(self, request: Input) -> bool:
        return self._dialect.speaks(request)

    def encode(self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None) -> Encoded:
        encoded = None
        if isinstance(self._dialect, CountsTokens) and not stream:
            encoded = self._dialect.encode_count(request, endpoint, wire=wire)
        if encoded is None:
            raise UncountableError
        return encoded

    def decode(self, _request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        if isinstance(self._dialect, CountsTokens):
            self._counter.tokens = self._dialect.decode_count(status, headers, body)
        return Answer(_NOTHING)

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:
        raise UnsupportedFieldError(f"the count of a {type(request).__name__} does not stream (relay: {relay})")

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return self._dialect.error(status, headers, body)


class _AttemptsAlone:
    """Tells of attempts, which reach providers, and not of calls: a count is none, and says nothing of answers."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def attempt_ended(self, target: Target, attempt: Attempt, circumstances: Circumstances) -> None:
        self._observer.attempt_ended(target, attempt, replace(circumstances, telling=False))

    def call_ended(self, settlement: Settlement, *, answered: bool) -> None:
        """Take no note."""
