"""The values that pass between the engine and a dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from airegistry._making import quickly_made
from airegistry.dialects.inference import InferRequest
from airegistry.dialects.tasks import TaskMessage
from airegistry.invocations.chat import ChatRequest, ChatResponse
from airegistry.invocations.embeddings import EmbeddingsRequest, EmbeddingsResponse
from airegistry.invocations.invocation import Warning as FieldWarning
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
from airegistry.invocations.streaming import ExtraSeen, StreamItem, StreamStarted, UsageSeen
from airegistry.invocations.usage import Usage

__all__ = [
    "Answer",
    "Encoded",
    "ExtraSeen",
    "GrpcCall",
    "GrpcEncoded",
    "HttpCall",
    "Input",
    "Output",
    "StreamDecoder",
    "StreamItem",
    "StreamStarted",
    "UsageSeen",
]

Input = ChatRequest | EmbeddingsRequest | RerankRequest | ImageRequest | RawRequest | AgentTaskRequest
Output = ChatResponse | EmbeddingsResponse | RerankResponse | ImageResponse | RawResponse | AgentTaskResponse


@quickly_made
@dataclass(frozen=True, slots=True, repr=False)
class HttpCall:
    """One HTTP request to a provider. Header names are lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        # Headers and query may hold a credential, the body a prompt: none of them belongs in a log.
        return f"HttpCall({self.method} {self.url.partition('?')[0]}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class GrpcCall:
    """One gRPC request to a provider: to a model that speaks the Open Inference Protocol, or to an agent. Header names are lower case.

    Its answer comes as JSON, in the protocol's own REST form: an object, or with *stream* a line for each message.
    """

    address: str
    request: InferRequest | TaskMessage
    headers: Mapping[str, str]
    stream: bool = False

    def __repr__(self) -> str:
        what = self.request.model if isinstance(self.request, InferRequest) else "a task"
        return f"GrpcCall({self.address}, {what})"


@quickly_made
@dataclass(frozen=True, slots=True)
class Encoded:
    """A request in a target's own format, and what of it could not be expressed there."""

    call: HttpCall
    warnings: tuple[FieldWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class GrpcEncoded:
    """The same, for a target that is asked by gRPC."""

    call: GrpcCall
    warnings: tuple[FieldWarning, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer in canonical form, and what of it could not be kept. Usage is None when the provider gave none."""

    output: Output
    usage: Usage | None = None
    warnings: tuple[FieldWarning, ...] = ()


class StreamDecoder(Protocol):
    """Bytes of one streamed answer in, items out. The caller owns the socket and feeds whatever arrived."""

    @property
    def finished(self) -> bool:
        """Whether nothing more needs to be read: the answer is whole, or has failed. `close` then tells which."""
        ...

    def feed(self, data: bytes) -> list[StreamItem]:
        """Take the next bytes, cut anywhere, and return what they complete.

        What came before a failure is returned first; the failure is raised by the next call.

        Raises:
            ProviderError: The provider reports a failure inside its answer.
            MalformedAnswerError: The bytes are not what the dialect expects.

        """
        ...

    def close(self) -> list[StreamItem]:
        """Take the end of the bytes, however it came (even a reset), and return what was still held back.

        Raises:
            ProviderError: As `feed`.
            TruncatedAnswerError: The answer was not whole.

        """
        ...
