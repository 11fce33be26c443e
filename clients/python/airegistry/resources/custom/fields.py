"""The canonical names that declared wire formats may use."""

from __future__ import annotations

import re
from typing import Any, Final

CHAT: Final = frozenset(
    {
        "text",
        "thinking",
        "refusal",
        "tool_calls",
        "tool_calls.index",
        "tool_calls.id",
        "tool_calls.name",
        "tool_calls.arguments",
        "finish_reason",
        "stop_sequence",
        "id",
        "model",
        "created",
        "usage.input_tokens",
        "usage.cache_read_tokens",
        "usage.cache_write_tokens",
        "usage.output_tokens",
        "usage.reasoning_tokens",
        "usage.all_input_tokens",
        "usage.all_output_tokens",
    }
)
"""Of an answer to a conversation, whole or in pieces."""

ANSWER: Final = CHAT | {"embeddings", "images", "revised_prompt", "results", "results.index", "results.score"}
"""Of a whole answer of any kind."""

ERROR: Final = frozenset({"error", "message", "code", "type", "status", "retry_after"})
"""Of the body of an error."""

TENSORS: Final = frozenset(
    {
        "text",
        "stream",
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "exclude_input",
        "want.finish_reason",
        "want.input_tokens",
        "want.output_tokens",
        "output.text",
        "output.finish_reason",
        "output.input_tokens",
        "output.output_tokens",
        "output.embeddings",
        "rank",
    }
)
"""Tensors and parameters of `kserve.v2`: what goes in, what is said to be wanted, and with `output.` what comes out."""

TENSOR_FORM: Final = re.compile(
    r"-|parameters\.[\w.-]{1,128}|[\w.-]{1,128}(?::(?:BYTES|BOOL|U?INT(?:8|16|32|64)|FP32|FP64))?"
)
"""None, a parameter of the request, or a tensor, with its type where that is not the usual one."""

ONE_MESSAGE: Final = frozenset({"prompt", "system"})

VARIABLES: Final = ONE_MESSAGE | {
    # Of every request.
    "kind",
    "model",
    "stream",
    "extra",
    "user",
    # Of a conversation.
    "messages",
    "turns",
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning",
    "seed",
    "choice_count",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "output_modalities",
    # Of texts to turn into vectors.
    "input",
    "inputs",
    "dimensions",
    "purpose",
    # Of images to make.
    "images",
    "count",
    "size",
    "quality",
    "media_type",
    # Of documents to order.
    "query",
    "documents",
    "top_n",
    "return_documents",
}
"""What a template may mention. All of them are always there; what a request does not have is none."""

_LISTS: Final = VARIABLES & {
    "messages",
    "turns",
    "stop_sequences",
    "tools",
    "output_modalities",
    "inputs",
    "images",
    "documents",
}


def blank(kind: str) -> dict[str, Any]:
    """Return every variable as a request of that kind has it that says nothing."""
    empty: dict[str, Any] = {name: [] if name in _LISTS else None for name in VARIABLES}
    return {**empty, "kind": kind, "stream": False, "extra": {}}
