"""Credential names to values, where the call is made and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

DEFAULT_PATTERN = r"^[A-Z][A-Z0-9_]*_(API_KEY|API_TOKEN|TOKEN)$"
"""Which environment variables may be sent to a provider. A registrant chooses the name, so it must not be any variable."""

MAX_BYTES = 16 * 1024
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


class Credentials:
    """Looks a name up in a folder of files first, then among the environment variables that match *pattern*.

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

    def get(self, name: str) -> Secret | None:
        """Return the value behind a name; None when it has none here."""
        known = self._known.get(name)
        if known is not None and self._now() < known[0]:
            return known[1]
        if not _NAME.fullmatch(name):
            return None
        secret = self._look_up(name)
        if len(self._known) >= _MANY:
            # Registrants choose the names, and may choose ever new ones.
            self._known.clear()
        self._known[name] = (self._now() + self._keep, secret)
        return secret

    def forget(self, name: str) -> None:
        """Look again at the next call: a provider refused the value."""
        self._known.pop(name, None)

    def _look_up(self, name: str) -> Secret | None:
        value = self._from_file(name)
        if value is None and self._pattern.search(name):
            value = self._environment.get(name)
        value = (value or "").strip()
        return Secret(value) if value else None

    def _from_file(self, name: str) -> str | None:
        if self._directory is None:
            return None
        try:
            with (self._directory / name).open(encoding="utf-8") as file:
                return file.read(MAX_BYTES)
        except (OSError, UnicodeDecodeError):
            return None
