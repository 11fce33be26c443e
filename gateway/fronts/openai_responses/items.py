"""The items of a response, and their parts, as JSON values."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from airegistry.dialects.openai_images.media_types import format_word
from airegistry.invocations.chat import TokenLogprob
from airegistry.invocations.content import MediaBlock, ToolCall
from gateway.fronts.openai.message import logprobs_value
from gateway.fronts.openai_responses.signatures import encrypted_content

Value = dict[str, Any]


def message_item(id_: str, content: list[Value], status: str) -> Value:
    """Return a message."""
    return {"id": id_, "type": "message", "status": status, "role": "assistant", "content": content}


def text_part(
    words: str = "", annotations: Sequence[Mapping[str, Any]] = (), logprobs: Sequence[TokenLogprob] = ()
) -> Value:
    """Return a text of a message."""
    return {
        "type": "output_text",
        "text": words,
        "annotations": list(annotations),
        "logprobs": logprob_values(logprobs),
    }


def logprob_values(logprobs: Sequence[TokenLogprob]) -> list[Value]:
    """Return log-probabilities."""
    value = logprobs_value(tuple(logprobs))
    return value["content"] if value is not None else []


def refusal_part(words: str = "") -> Value:
    """Return a refusal in a message."""
    return {"type": "refusal", "refusal": words}


def call_item(id_: str, call: ToolCall, status: str) -> Value:
    """Return a call of a function."""
    return {
        "id": id_,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def summary_part(words: str = "") -> Value:
    """Return a paragraph of a thought."""
    return {"type": "summary_text", "text": words}


def reasoning_item(id_: str, words: str, signature: str) -> Value:
    """Return a thought; its proof stands where this format has its own."""
    value: Value = {"id": id_, "type": "reasoning", "summary": [summary_part(words)] if words else []}
    if signature:
        value["encrypted_content"] = encrypted_content(signature)
    return value


def image_item(id_: str, image: MediaBlock) -> Value:
    """Return an image that was made."""
    return {
        "id": id_,
        "type": "image_generation_call",
        "status": "completed",
        "output_format": format_word(image.media_type),
        "result": base64.b64encode(image.data or b"").decode(),
    }
