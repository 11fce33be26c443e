"""Credential names to values, where the call is made and nowhere else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from airegistry.resources.endpoint import AuthMethod, Endpoint

DEFAULT_PATTERN = r"^[A-Z][A-Z0-9_]*_(API_KEY|API_TOKEN|TOKEN)$"
"""Which environment variables may be sent to a provider. A registrant chooses the name, so it must not be any variable."""

MAX_BYTES = 16 * 1024
MAX_PEM_BYTES = 256 * 1024
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"
_MANY = 4096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Secret:
    """A value that no text form shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the one place that sends it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Who a client is: a certificate, with those that lead to its issuer, and its key. No text form shows them."""

    certificate_file: Path = field(repr=False)
    key_file: Path = field(repr=False)
    certificate: bytes = field(repr=False)
    key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """What tells one identity from another."""
        return hashlib.sha256(self.certificate + b"\0" + self.key).hexdigest()


Proof = Secret | KeyPair
T = TypeVar("T", bound=Proof)


class Credentials:
    """Looks a name up in a folder of files first, then among the environment variables that match *pattern*.

    A key pair is in the folder only: `NAME.crt` and `NAME.key`, or both in `NAME.pem`.

    What was found, or not, is kept for *keep* seconds, so that a changed file is seen soon and a call costs no file access.
    """

    def __init__(
        self,
        *,
        directory: Path | None,
        environment: Mapping[str, str],
        now: Callable[[], float],
        pattern: str = DEFAULT_PATTERN,
        keep: float = 5.0,
    ) -> None:
        self._directory = directory
        self._environment = environment
        self._pattern = re.compile(pattern)
        self._now = now
        self._keep = keep
        self._known: dict[str, tuple[float, Secret | None]] = {}
        self._known_pairs: dict[str, tuple[float, KeyPair | None]] = {}

    def of(self, endpoint: Endpoint) -> Proof | None:
        """Return what a call to an endpoint presents, by its auth method; None when that is not here."""
        auth = endpoint.communication.auth if endpoint.communication is not None else None
        if not endpoint.credential:
            return None
        if auth is not None and auth.method is AuthMethod.MTLS:
            return self.key_pair(endpoint.credential)
        return self.get(endpoint.credential)

    def get(self, name: str) -> Secret | None:
        """Return the value behind a name; None when it has none here."""
        return self._kept(self._known, name, self._look_up)

    def key_pair(self, name: str) -> KeyPair | None:
        """Return the key pair behind a name; None when there is none here."""
        return self._kept(self._known_pairs, name, self._pair)

    def _kept(self, kept: dict[str, tuple[float, T | None]], name: str, look_up: Callable[[str], T | None]) -> T | None:
        known = kept.get(name)
        if known is not None and self._now() < known[0]:
            return known[1]
        if not _NAME.fullmatch(name):
            return None
        found = look_up(name)
        if len(kept) >= _MANY:
            # Registrants choose the names, and may choose ever new ones.
            kept.clear()
        kept[name] = (self._now() + self._keep, found)
        return found

    def forget(self, name: str) -> None:
        """Look again at the next call: a provider refused the value."""
        self._known.pop(name, None)
        self._known_pairs.pop(name, None)

    def _look_up(self, name: str) -> Secret | None:
        value = self._from_file(name)
        if value is None and self._pattern.search(name):
            value = self._environment.get(name)
        value = (value or "").strip()
        return Secret(value) if value else None

    def _pair(self, name: str) -> KeyPair | None:
        if self._directory is None:
            return None
        for certificate, key in ((f"{name}.crt", f"{name}.key"), (f"{name}.pem", f"{name}.pem")):
            files = self._directory / certificate, self._directory / key
            held = [_pem(file) for file in files]
            if _CERTIFICATE in held[0] and _KEY in held[1]:
                return KeyPair(*files, *held)
        return None

    def _from_file(self, name: str) -> str | None:
        if self._directory is None:
            return None
        try:
            with (self._directory / name).open(encoding="utf-8") as file:
                return file.read(MAX_BYTES)
        except (OSError, UnicodeDecodeError):
            return None


def _pem(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_PEM_BYTES)
    except OSError:
        return b""
