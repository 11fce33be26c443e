"""The other things a model or an agent can be asked: rerank, images, raw bytes, tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from airegistry._making import quickly_made
from airegistry.invocations.content import ContentBlock, MediaBlock


class AgentTaskState(IntEnum):
    """How a task stands."""

    SUBMITTED = 1
    WORKING = 2
    INPUT_REQUIRED = 3
    AUTH_REQUIRED = 4
    COMPLETED = 5
    FAILED = 6
    CANCELED = 7
    REJECTED = 8


@dataclass(frozen=True, slots=True)
class RerankRequest:
    """Documents to order by how well they answer a query."""

    query: str = ""
    documents: tuple[str, ...] = ()
    top_n: int | None = None
    return_documents: bool = False


@dataclass(frozen=True, slots=True)
class RerankResult:
    """One document's place."""

    index: int = 0
    score: float = 0.0
    document: str = ""


@dataclass(frozen=True, slots=True)
class RerankResponse:
    """The order."""

    results: tuple[RerankResult, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """Images to make."""

    prompt: str = ""
    inputs: tuple[MediaBlock, ...] = ()
    count: int | None = None
    size: str = ""
    quality: str = ""
    media_type: str = ""
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ImageResponse:
    """The images."""

    images: tuple[MediaBlock, ...] = ()
    revised_prompt: str = ""
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request in the target's own wire format, passed through untouched."""

    dialect: str = ""
    path: str = ""
    content_type: str = ""
    body: bytes = b""


@quickly_made
@dataclass(frozen=True, slots=True)
class RawResponse:
    """An answer in the target's own wire format."""

    status: int = 0
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class AgentTaskRequest:
    """A task for an agent."""

    content: tuple[ContentBlock, ...] = ()
    skill: str = ""
    context_id: str = ""
    task_id: str = ""
    accepted_output_modes: tuple[str, ...] = ()
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AgentArtifact:
    """Something an agent made."""

    id: str = ""
    name: str = ""
    content: tuple[ContentBlock, ...] = ()
    append: bool = False


@dataclass(frozen=True, slots=True)
class AgentTaskResponse:
    """How a task stands."""

    task_id: str = ""
    context_id: str = ""
    state: AgentTaskState | None = None
    content: tuple[ContentBlock, ...] = ()
    artifacts: tuple[AgentArtifact, ...] = ()
