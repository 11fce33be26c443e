"""What this process knows of who can take a call, beside the registry."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from airegistry import dialects
from airegistry.dialects.base import Dialect
from airegistry.dialects.exchange import Input
from airegistry.dialects.untouched import Untouched
from airegistry.discovery.answers import ExclusionReason
from airegistry.invocations.kinds import RawRequest
from airegistry.invoke.credentials import Credentials
from airegistry.routing.gates.gate import Gate
from airegistry.routing.target import Target

Spoken = Mapping[str, Dialect]
"""Dialects by name."""


class LocalStanding:
    """Dialects, credentials and the gate, as one call of a kind sees them. Without an input every dialect will do."""

    def __init__(self, spoken: Spoken, credentials: Credentials, gate: Gate) -> None:
        self._spoken = spoken
        self._credentials = credentials
        self._gate = gate

    def dialects(self) -> Collection[str]:
        """Return the names of the dialects that can say what is asked."""
        return self._spoken.keys()

    def has_credential(self, name: str) -> bool:
        """Say whether the credential has a value here."""
        return self._credentials.get(name) is not None

    def has_key_pair(self, name: str) -> bool:
        """Say whether the credential is a key pair here."""
        return self._credentials.key_pair(name) is not None

    def ejected(self, targets: Collection[Target]) -> Mapping[str, ExclusionReason]:
        """Return who of these must not be asked now, by name, and why."""
        return self._gate.ejected(targets)


class Tongues:
    """Dialects, and which of them can express a request: found out once for each kind of request, for that is what it depends on."""

    def __init__(self, known: Spoken) -> None:
        self.known = known
        self._of_kind: dict[type, Spoken] = {}

    def speaking(self, request: Input | None) -> Spoken:
        """Return the dialects that can express a request; all of them when there is none."""
        if request is None:
            return self.known
        if isinstance(request, RawRequest):
            return self._raw(request)
        spoken = self._of_kind.get(type(request))
        if spoken is None:
            spoken = {name: dialect for name, dialect in self.known.items() if dialect.speaks(request)}
            self._of_kind[type(request)] = spoken
        return spoken

    def _raw(self, request: RawRequest) -> Spoken:
        dialect = self.known.get(request.dialect)
        if dialect is None:
            return {}
        return {request.dialect: dialect if dialect.speaks(request) else Untouched(dialect)}


def all_dialects() -> Spoken:
    """Return every dialect that is installed, by name."""
    return {name: dialect for name in dialects.names() if (dialect := dialects.get(name)) is not None}
