"""What an engine answered, as the response that a caller of Invoke gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.invocations.chat import ChatResponse
from airegistry.invocations.embeddings import EmbeddingsResponse
from airegistry.invocations.invocation import InvokeResponse
from airegistry.invocations.kinds import AgentTaskResponse, ImageResponse, RawResponse, RerankResponse
from airegistry.invoke.engine import Answered

_FIELDS: Final[Mapping[type, str]] = {
    ChatResponse: "chat",
    EmbeddingsResponse: "embeddings",
    RerankResponse: "rerank",
    ImageResponse: "image",
    RawResponse: "raw",
    AgentTaskResponse: "agent_task",
}


def response_of(answered: Answered) -> InvokeResponse:
    """Return the response: the answer in the field of its kind, and the account of it."""
    output: dict[str, Any] = {_FIELDS[type(answered.output)]: answered.output}
    return InvokeResponse(**output, settlement=answered.settlement)
