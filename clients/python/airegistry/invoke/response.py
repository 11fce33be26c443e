"""What an engine answered, as the response that a caller of Invoke gets."""

from __future__ import annotations

from airegistry.invocations.chat import ChatResponse
from airegistry.invocations.embeddings import EmbeddingsResponse
from airegistry.invocations.invocation import InvokeResponse
from airegistry.invocations.kinds import AgentTaskResponse, ImageResponse, RawResponse, RerankResponse
from airegistry.invoke.engine import Answered


def response_of(answered: Answered) -> InvokeResponse:
    """Return the response: the answer in the field of its kind, and the account of it."""
    output = answered.output
    return InvokeResponse(
        chat=output if isinstance(output, ChatResponse) else None,
        embeddings=output if isinstance(output, EmbeddingsResponse) else None,
        image=output if isinstance(output, ImageResponse) else None,
        rerank=output if isinstance(output, RerankResponse) else None,
        raw=output if isinstance(output, RawResponse) else None,
        agent_task=output if isinstance(output, AgentTaskResponse) else None,
        settlement=answered.settlement,
    )
