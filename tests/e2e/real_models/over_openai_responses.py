"""Calls by OpenAI's SDK, as responses."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import openai

from tests.e2e.real_models.asking import SCHEMA_NAME, TOOL_DESCRIPTION, TOOL_NAME, Ask, Got


class OverOpenAIResponses:
    """Calls `responses.create`."""

    def __init__(self, sdk: openai.AsyncOpenAI) -> None:
        self._sdk = sdk

    async def whole(self, ask: Ask) -> Got:
        return _read(await self._sdk.responses.create(**_request(ask)))

    async def streamed(self, ask: Ask, got: Got) -> AsyncGenerator[None]:
        async with await self._sdk.responses.create(**_request(ask), stream=True) as stream:
            async for event in stream:
                match event.type:
                    case "response.output_text.delta":
                        got.text += event.delta
                    case "response.completed" | "response.incomplete":
                        _settle(got, _read(event.response))
                yield

    def reason(self, error: Exception) -> str:
        if not isinstance(error, openai.APIError) or error.code is None:
            raise error
        return error.code.upper()


def _request(ask: Ask) -> dict[str, Any]:
    assert not ask.stop, "this format has no stop sequences"
    request: dict[str, Any] = {
        "model": ask.model,
        "input": ask.prompt,
        "max_output_tokens": ask.max_tokens,
        "temperature": 0,
        "store": False,
    }
    if ask.tool is not None:
        tool = {"type": "function", "name": TOOL_NAME, "description": TOOL_DESCRIPTION, "parameters": ask.tool}
        request |= {"tools": [tool | {"strict": False}], "tool_choice": "required", "parallel_tool_calls": False}
    if ask.schema is not None:
        schema = {"type": "json_schema", "name": SCHEMA_NAME, "schema": ask.schema, "strict": True}
        request["text"] = {"format": schema}
    return request


def _read(answer: Any) -> Got:
    calls = [(item.name, json.loads(item.arguments)) for item in answer.output if item.type == "function_call"]
    if answer.status == "incomplete":
        assert answer.incomplete_details.reason == "max_output_tokens"
    # Nothing but the calls says that the answer ended for them.
    ended = "tool_calls" if calls else "stop"
    return Got(
        text=answer.output_text,
        finish="length" if answer.status == "incomplete" else ended,
        calls=calls,
        usage=(answer.usage.input_tokens, answer.usage.output_tokens),
    )


def _settle(got: Got, whole: Got) -> None:
    assert got.text == whole.text
    got.finish, got.calls, got.usage = whole.finish, whole.calls, whole.usage
