"""What an error of a declared provider means: by its own words, else by those that providers share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from airegistry.dialects.errors import error_of, error_within
from airegistry.errors import ProviderError
from airegistry.resources.custom.paths import Path, compile_paths
from airegistry.resources.endpoint import CustomFormat


class Errors:
    """Reads the errors of one declared format."""

    def __init__(self, custom: CustomFormat) -> None:
        self._paths = compile_paths(custom.error_paths)
        self._reasons = custom.error_reasons

    def of(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status and its body mean."""
        said = self._said(_parsed(body))
        error = error_of(status, headers, orjson.dumps({"error": said}) if said else body)
        return self._meant(error, said, self._wait(body))

    def within(self, value: Any) -> ProviderError | None:
        """Return the error that came in the place of an answer; None when there is none."""
        path = self._paths.get("error")
        if path is None or path.find(value) in (None, False, "", {}, []):
            return None
        said = self._said(value)
        error = error_within({"error": said or {"message": "no explanation"}})
        return self._meant(error, said, None) if error is not None else None

    def _said(self, value: Any) -> dict[str, Any]:
        fields = {
            name: self._paths[name].find(value) for name in ("message", "code", "type", "status") if name in self._paths
        }
        return {name: found if name == "status" else str(found) for name, found in fields.items() if found is not None}

    def _meant(self, error: ProviderError, said: Mapping[str, Any], wait: float | None) -> ProviderError:
        reason = next((self._reasons[word] for word in _words(said) if word in self._reasons), None)
        cls = _BY_REASON.get(reason or "", type(error))
        retry_after = wait if wait is not None else error.retry_after
        return cls(error.message, http_status=error.http_status, metadata=error.metadata, retry_after=retry_after)

    def _wait(self, body: bytes) -> float | None:
        path: Path | None = self._paths.get("retry_after")
        seconds = path.find(_parsed(body)) if path is not None else None
        return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds <= _LONGEST else None


_LONGEST = 30 * 86400


def _words(said: Mapping[str, Any]) -> Iterator[str]:
    yield from (said[name] for name in ("code", "type") if name in said)


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _family(cls: type[ProviderError]) -> Iterator[type[ProviderError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _family(child)


_BY_REASON: Mapping[str, type[ProviderError]] = {cls.reason: cls for cls in _family(ProviderError)}
