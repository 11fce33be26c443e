"""A file that a catalog is read from: bounded, and known again by its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from airegistry.resources.provenance import Provenance

MAX_FILE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The content of a file, and where it came from."""

    content: bytes
    provenance: Provenance

    def read_object(self) -> Mapping[str, Any]:
        """Return the JSON object in the file, every fraction an exact Decimal. Raises ValueError when it is none."""
        try:
            found = json.loads(self.content, parse_float=Decimal, parse_constant=_no_number)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        except UnicodeDecodeError as error:
            raise ValueError("it is not UTF-8") from error
        except json.JSONDecodeError as error:
            raise ValueError(f"it is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise ValueError("it is not a JSON object")  # noqa: TRY004 - the text is wrong, not a type of ours
        return found


def read_file(path: Path, source: str, version: str = "", *, retrieved: datetime | None = None) -> SourceFile:
    """Read a file of the catalog *source*. Raises OSError, or ValueError when it is too large."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it has more than {MAX_FILE_BYTES:,} bytes")
    provenance = Provenance(source, version, retrieve_time=retrieved, digest=digest_of(content))
    return SourceFile(content, provenance)


def digest_of(content: bytes) -> str:
    """Return what a file is known again by."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number")
