"""What a dialect tells of a streamed answer, beside the deltas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.usage import Usage


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The provider began to answer; always the first item."""

    upstream_id: str = ""
    upstream_model: str = ""
    created: int | None = None


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """What the answer used so far; a later one replaces it."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class ExtraSeen:
    """Top-level fields of the answer that have no place elsewhere; comes at most once, at the end."""

    extra: Mapping[str, Any]


StreamItem = StreamStarted | ChatDelta | UsageSeen | ExtraSeen | FieldWarning
"""A warning names, once per answer, what could not be kept of it."""
