"""Calls by Anthropic's SDK."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import anthropic

from tests.e2e.real_models.asking import TOOL_DESCRIPTION, TOOL_NAME, Ask, Got

WORDS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls"}


class OverAnthropic:
    """Calls `messages.create`."""

    def __init__(self, sdk: anthropic.AsyncAnthropic) -> None:
        self._sdk = sdk

    async def whole(self, ask: Ask) -> Got:
        message = await self._sdk.messages.create(**_request(ask))
        return Got(
            text="".join(block.text for block in message.content if block.type == "text"),
            finish=WORDS[message.stop_reason],
            calls=[(block.name, block.input) for block in message.content if block.type == "tool_use"],
            usage=_usage(message.usage),
        )

    async def streamed(self, ask: Ask, got: Got) -> AsyncGenerator[None]:
        calls: dict[int, list[str]] = {}
        async with await self._sdk.messages.create(**_request(ask), stream=True) as stream:
            async for event in stream:
                _hear(event, got, calls)
                yield
        got.calls = [(name, json.loads("".join(arguments) or "{}")) for name, *arguments in calls.values()]

    def reason(self, error: Exception) -> str:
        match error:
            case anthropic.APIStatusError(body={"error": {"reason": str(reason)}}):
                return reason
        raise error


def _request(ask: Ask) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": ask.model,
        "messages": [{"role": "user", "content": ask.prompt}],
        "max_tokens": ask.max_tokens,
        # The SDK knows no temperature any more; servers of this format do.
        "extra_body": {"temperature": 0},
    }
    if ask.stop:
        request["stop_sequences"] = list(ask.stop)
    if ask.tool is not None:
        request["tools"] = [{"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "input_schema": ask.tool}]
        request["tool_choice"] = {"type": "any", "disable_parallel_tool_use": True}
    if ask.schema is not None:
        request["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    return request


def _hear(event: Any, got: Got, calls: dict[int, list[str]]) -> None:
    match event.type:
        case "message_start":
            got.usage = _usage(event.message.usage)
        case "content_block_start" if event.content_block.type == "tool_use":
            calls[event.index] = [event.content_block.name]
        case "content_block_delta" if event.delta.type == "input_json_delta":
            calls[event.index].append(event.delta.partial_json)
        case "content_block_delta" if event.delta.type == "text_delta":
            got.text += event.delta.text
        case "message_delta":
            got.finish = WORDS[event.delta.stop_reason]
            # What is not said again stays as the start said it.
            later = event.usage
            got.usage = (got.usage[0] if later.input_tokens is None else _usage(later)[0], later.output_tokens)


def _usage(usage: Any) -> tuple[int, int]:
    return usage.input_tokens + (usage.cache_read_input_tokens or 0), usage.output_tokens
