"""Calls by OpenAI's SDK, as chat completions."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import openai

from tests.e2e.real_models.asking import SCHEMA_NAME, SEED, TOOL_DESCRIPTION, TOOL_NAME, Ask, Got


class OverOpenAIChat:
    """Calls `chat.completions.create`."""

    def __init__(self, sdk: openai.AsyncOpenAI) -> None:
        self._sdk = sdk

    async def whole(self, ask: Ask) -> Got:
        answer = await self._sdk.chat.completions.create(**_request(ask))
        (choice,) = answer.choices
        calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or []]
        return Got(
            text=choice.message.content or "",
            finish=choice.finish_reason,
            calls=[(name, json.loads(arguments)) for name, arguments in calls],
            usage=(answer.usage.prompt_tokens, answer.usage.completion_tokens),
        )

    async def streamed(self, ask: Ask, got: Got) -> AsyncGenerator[None]:
        calls: dict[int, list[str]] = {}
        stream = await self._sdk.chat.completions.create(
            **_request(ask), stream=True, stream_options={"include_usage": True}
        )
        async with stream:
            async for chunk in stream:
                if chunk.usage is not None:
                    got.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                for choice in chunk.choices:
                    _hear(choice, got, calls)
                    yield
        got.calls = [(name, json.loads("".join(arguments))) for name, *arguments in calls.values()]

    def reason(self, error: Exception) -> str:
        if not isinstance(error, openai.APIError) or error.code is None:
            raise error
        return error.code.upper()


def _request(ask: Ask) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": ask.model,
        "messages": [{"role": "user", "content": ask.prompt}],
        "max_completion_tokens": ask.max_tokens,
        "temperature": 0,
        "seed": SEED,
    }
    if ask.stop:
        request["stop"] = list(ask.stop)
    if ask.tool is not None:
        function = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "parameters": ask.tool}
        request |= {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}
        request["parallel_tool_calls"] = False
    if ask.schema is not None:
        schema = {"name": SCHEMA_NAME, "schema": ask.schema, "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    return request


def _hear(choice: Any, got: Got, calls: dict[int, list[str]]) -> None:
    got.text += choice.delta.content or ""
    for call in choice.delta.tool_calls or []:
        if call.id:
            calls[call.index] = [call.function.name]
        calls[call.index].append(call.function.arguments or "")
    got.finish = choice.finish_reason or got.finish
