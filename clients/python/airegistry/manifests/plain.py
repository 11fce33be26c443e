"""Our values as plain data: what `--output json` and `--output yaml` show, and what a manifest may say.

Absent values are left out; zero and false are facts, and stay. Enums are lower-case names, times ISO 8601 in UTC,
durations seconds, and amounts of money dollars as text (`cost_usd` for `cost_nanos`), exactly.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from airegistry.manifests.fields import usd_key
from airegistry.manifests.money import usd
from airegistry.resources.model import Capability


def plain(value: Any, *, empty_lists: bool = False) -> Any:
    """Return *value*, one of our dataclasses or what they are made of, as dicts, lists, text, numbers and booleans.

    With *empty_lists* the outermost dataclass keeps its empty lists: in an answer, none found is a fact.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, Capability) and (value.supported is None) != (value.level is None):
        return value.level if value.supported is None else value.supported
    return _block(value, empty_lists=empty_lists) if dataclasses.is_dataclass(value) else _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case IntEnum():
            return value.name.lower()
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case bytes():
            return base64.b64encode(value).decode()
    return value


def _block(value: Any, *, empty_lists: bool) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        given = getattr(value, field.name)
        if _absent(given) and not (empty_lists and given == ()):
            continue
        alternative = usd_key(field.name)
        block[alternative or field.name] = usd(given) if alternative else plain(given)
    return block


def _absent(value: Any) -> bool:
    return value is None or value in ("", (), b"") or (isinstance(value, Mapping) and not value)
