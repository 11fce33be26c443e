"""Blocks of an answer as the members of an Ollama message."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import orjson

from airegistry.errors import MalformedAnswerError
from airegistry.invocations.chat import ChatChoice, FinishReason, TokenLogprob
from airegistry.invocations.content import ContentBlock, ToolCall

_REASONS: Final[Mapping[FinishReason | None, str]] = {
    FinishReason.STOP: "stop",
    FinishReason.TOOL_CALLS: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "refusal",
}


def done_reason(reason: FinishReason | None, upstream: str) -> str:
    """Return the word for why an answer ended; the last two are not Ollama's, but a clean `stop` would be a lie."""
    return _REASONS.get(reason) or upstream or "stop"


def members_of(block: ContentBlock) -> dict[str, Any]:
    """Return what a whole block adds to a message; empty when it has no place there."""
    if block.text is not None:
        return {"content": block.text.text}
    if block.refusal is not None:
        return {"content": block.refusal.text}
    if block.thinking is not None:
        return {"thinking": block.thinking.text}
    if block.tool_call is not None:
        return {"tool_calls": [call_value(block.tool_call)]}
    if block.image is not None and block.image.data is not None:
        return {"images": [base64.b64encode(block.image.data).decode()]}
    return {}


def message_of(choice: ChatChoice, lost: list[str]) -> dict[str, Any]:
    """Return the message of a whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": ""}
    for i, block in enumerate(choice.message.content if choice.message is not None else ()):
        members = members_of(block)
        if not members or incomplete(block):
            lost.append(f"message.content[{i}]: not all of it has a place in this format")
        for name, value in members.items():
            message[name] = message[name] + value if name in message else value
    return message


def incomplete(block: ContentBlock) -> bool:
    """Say whether a block has more than its members can tell."""
    return bool(
        (block.text is not None and block.text.annotations)
        or (block.thinking is not None and (block.thinking.signature or block.thinking.redacted_data))
    )


def call_value(call: ToolCall) -> dict[str, Any]:
    """Return a tool call, its arguments as the model wrote them.

    Raises MalformedAnswerError when they are not the object that they must be here.
    """
    if call.arguments.strip() and not whole(call):
        raise MalformedAnswerError(
            f"the model called the tool {call.name[:64]!r} with arguments that are no JSON object"
        )
    # Not parsed and written again: a number may have more digits than we can hold.
    arguments = orjson.Fragment(call.arguments.strip() or "{}")
    return {"id": call.id, "function": {"name": call.name, "arguments": arguments}}


def whole(call: ToolCall) -> bool:
    """Say whether the arguments of a call are a JSON object."""
    try:
        return isinstance(orjson.loads(call.arguments), dict)
    except orjson.JSONDecodeError:
        return False


def logprobs_value(logprobs: tuple[TokenLogprob, ...]) -> list[dict[str, Any]]:
    """Return log-probabilities of tokens."""
    return [{**_token(one), "top_logprobs": [_token(other) for other in one.top]} for one in logprobs]


def _token(one: TokenLogprob) -> dict[str, Any]:
    return {"token": one.token, "logprob": one.logprob, "bytes": list(one.token_bytes or one.token.encode())}
