"""Something that fails over and over is said once, and once more when it is over."""

from __future__ import annotations

import logging
import time

from airegistry.errors import RegistryError


class Outage:
    """Whether *what* fails at the moment; logs when that changes."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._since: float | None = None

    def failed(self, error: RegistryError) -> None:
        """Note a failure."""
        if self._since is None:
            self._since = time.monotonic()
            self._log.warning("%s failed, and is tried again: %s", self._what, error.message)

    def worked(self) -> None:
        """Note that it works."""
        if self._since is not None:
            self._log.warning("%s works again after %.1f s", self._what, time.monotonic() - self._since)
            self._since = None
