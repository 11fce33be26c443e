"""What to invoke, what came of it, and every attempt on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from airegistry._making import quickly_made
from airegistry.errors import ErrorStatus
from airegistry.invocations.chat import ChatDelta, ChatRequest, ChatResponse
from airegistry.invocations.embeddings import EmbeddingsRequest, EmbeddingsResponse
from airegistry.invocations.kinds import (
    AgentTaskRequest,
    AgentTaskResponse,
    ImageRequest,
    ImageResponse,
    RawRequest,
    RawResponse,
    RerankRequest,
    RerankResponse,
)
from airegistry.invocations.usage import Cost, Usage
from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.route import ErrorClass, RoutePolicy


class AttemptOutcome(IntEnum):
    """How an attempt ended."""

    OK = 1
    ERROR = 2
    CANCELED = 3
    SUPERSEDED = 4


@quickly_made
@dataclass(frozen=True, slots=True)
class Invocation:
    """What to invoke, and with what."""

    model: str = ""
    query: DiscoverQuery | None = None
    chat: ChatRequest | None = None
    embeddings: EmbeddingsRequest | None = None
    rerank: RerankRequest | None = None
    image: ImageRequest | None = None
    raw: RawRequest | None = None
    agent_task: AgentTaskRequest | None = None
    policy: RoutePolicy | None = None
    sticky_key: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@quickly_made
@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to get an answer."""

    target: str = ""
    outcome: AttemptOutcome | None = None
    error_class: ErrorClass | None = None
    error: ErrorStatus | None = None
    http_status: int = 0
    duration: float | None = None
    time_to_first_token: float | None = None
    usage: Usage | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - named as its message
    """Something that could not be sent to a target or kept from its answer."""

    path: str = ""
    message: str = ""


@quickly_made
@dataclass(frozen=True, slots=True)
class Settlement:
    """Who answered, what it used and what it cost."""

    target: str = ""
    model: str = ""
    provider: str = ""
    route: str = ""
    split_arm: str = ""
    usage: Usage | None = None
    cost: Cost | None = None
    attempts: tuple[Attempt, ...] = ()
    warnings: tuple[Warning, ...] = ()
    time_to_first_token: float | None = None
    duration: float | None = None
    revision: int = 0
    stale: bool = False
    call_id: str = ""


@quickly_made
@dataclass(frozen=True, slots=True)
class InvokeResponse:
    """The response of Invoke."""

    chat: ChatResponse | None = None
    embeddings: EmbeddingsResponse | None = None
    rerank: RerankResponse | None = None
    image: ImageResponse | None = None
    raw: RawResponse | None = None
    agent_task: AgentTaskResponse | None = None
    settlement: Settlement | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """Who answers."""

    target: str = ""
    attempt: int = 0
    upstream_id: str = ""
    upstream_model: str = ""
    created: int | None = None
    warnings: tuple[Warning, ...] = ()


@dataclass(frozen=True, slots=True)
class Restarted:
    """Discard what came: another attempt starts again."""

    reason: ErrorStatus | None = None


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The answer is whole."""

    settlement: Settlement | None = None
    extra: Mapping[str, Any] | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class InvokeEvent:
    """Something that happened in a stream."""

    started: AttemptStarted | None = None
    chat_delta: ChatDelta | None = None
    agent_task: AgentTaskResponse | None = None
    raw: RawResponse | None = None
    restarted: Restarted | None = None
    end: StreamEnd | None = None


@dataclass(frozen=True, slots=True)
class InvokeStreamResponse:
    """The events of a stream that were ready together."""

    events: tuple[InvokeEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class AttemptList:
    """The attempts of a call that failed; among the details of its status."""

    attempts: tuple[Attempt, ...] = ()
