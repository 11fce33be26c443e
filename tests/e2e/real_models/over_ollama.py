"""Calls by Ollama's SDK."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any

import ollama

from tests.e2e.real_models.asking import SEED, TOOL_DESCRIPTION, TOOL_NAME, Ask, Got

# An error of this format is a sentence and nothing else.
REASONS = {
    r"context size": "CONTEXT_LENGTH_EXCEEDED",
    r"this format has none": "UNSUPPORTED_FIELD",
    r"cannot connect": "PROVIDER_CONNECTION",
    r"broke|ended": "TRUNCATED_ANSWER",
}


class OverOllama:
    """Calls `chat`."""

    def __init__(self, sdk: ollama.AsyncClient) -> None:
        self._sdk = sdk

    async def whole(self, ask: Ask) -> Got:
        got = Got()
        _hear(await self._sdk.chat(**_request(ask)), got)
        return got

    async def streamed(self, ask: Ask, got: Got) -> AsyncGenerator[None]:
        # What the SDK calls an iterator is a generator.
        stream: Any = await self._sdk.chat(**_request(ask), stream=True)
        try:
            async for part in stream:
                _hear(part, got)
                yield
        finally:
            await stream.aclose()

    def reason(self, error: Exception) -> str:
        if isinstance(error, ollama.ResponseError):
            for words, reason in REASONS.items():
                if re.search(words, error.error):
                    return reason
        raise error


def _request(ask: Ask) -> dict[str, Any]:
    options = {"num_predict": ask.max_tokens, "temperature": 0, "seed": SEED, "stop": list(ask.stop)}
    request: dict[str, Any] = {"model": ask.model, "messages": [{"role": "user", "content": ask.prompt}]}
    if ask.tool is not None:
        # That a tool must be called cannot be said; the model calls one wherever there is one.
        function = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "parameters": ask.tool}
        request["tools"] = [{"type": "function", "function": function}]
    if ask.schema is not None:
        request["format"] = ask.schema
    return request | {"options": options}


def _hear(part: ollama.ChatResponse, got: Got) -> None:
    got.text += part.message.content or ""
    got.calls += [(call.function.name, dict(call.function.arguments)) for call in part.message.tool_calls or ()]
    if part.done:
        # Nothing but the calls says that the answer ended for them.
        got.finish = "tool_calls" if got.calls else part.done_reason or ""
        got.usage = (part.prompt_eval_count, part.eval_count)
