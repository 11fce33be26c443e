"""Messages for agents as values: what a dialect builds, and the transport turns into messages of A2A."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskPart:
    """A piece of a message. Exactly one of `text`, `raw`, `url` and `json`, which is JSON text, is set."""

    text: str | None = field(default=None, repr=False)
    raw: bytes | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    json: bytes | None = field(default=None, repr=False)
    media_type: str = ""
    filename: str = ""


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """What an agent is told. Who sends it gives it an id."""

    parts: tuple[TaskPart, ...]
    tenant: str = ""
    context_id: str = ""
    task_id: str = ""
    reference_task_ids: tuple[str, ...] = ()
    accepted_output_modes: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
