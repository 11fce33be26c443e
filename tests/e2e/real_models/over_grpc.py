"""Calls by this project's own SDK, over gRPC."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

from airegistry.client import GatewayClient
from airegistry.invocations.chat import (
    ChatDelta,
    ChatRequest,
    FinishReason,
    Message,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import Invocation, Settlement
from tests.e2e.real_models.asking import SCHEMA_NAME, SEED, TOOL_DESCRIPTION, TOOL_NAME, Ask, Got, reason_of


class OverGrpc:
    """Calls Invoke and InvokeStream."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    async def whole(self, ask: Ask) -> Got:
        answer = await self._client.invoke(invocation(ask))
        assert answer.chat is not None
        (choice,) = answer.chat.choices
        assert choice.message is not None
        assert choice.finish_reason is not None
        calls = [block.tool_call for block in choice.message.content if block.tool_call is not None]
        return Got(
            text=answer.chat.text,
            finish=_word(choice.finish_reason),
            calls=[(call.name, json.loads(call.arguments)) for call in calls],
            usage=_usage(answer.settlement),
        )

    async def streamed(self, ask: Ask, got: Got) -> AsyncGenerator[None]:
        calls: dict[int, list[str]] = {}
        async for event in self._client.invoke_stream(invocation(ask)):
            if event.chat_delta is not None:
                _hear(event.chat_delta, got, calls)
                yield
            elif event.end is not None:
                got.usage = _usage(event.end.settlement)
        got.calls = [(name, json.loads("".join(arguments))) for name, *arguments in calls.values()]

    def reason(self, error: Exception) -> str:
        return reason_of(error)


def invocation(ask: Ask) -> Invocation:
    """Return the call in canonical form."""
    message = Message(role=Role.USER, content=(ContentBlock(text=TextBlock(ask.prompt)),))
    tool = Tool(name=TOOL_NAME, description=TOOL_DESCRIPTION, input_schema=ask.tool)
    form = ResponseFormat(kind=ResponseFormatKind.JSON_SCHEMA, name=SCHEMA_NAME, json_schema=ask.schema)
    chat = ChatRequest(
        messages=(message,),
        max_output_tokens=ask.max_tokens,
        temperature=0.0,
        seed=SEED,
        stop_sequences=ask.stop,
        tools=(tool,) if ask.tool else (),
        tool_choice=ToolChoice(mode=ToolChoiceMode.REQUIRED) if ask.tool else None,
        parallel_tool_calls=False if ask.tool else None,
        response_format=form if ask.schema else None,
    )
    return Invocation(model=ask.model, chat=chat)


def _hear(delta: ChatDelta, got: Got, calls: dict[int, list[str]]) -> None:
    got.text += delta.text or ""
    if delta.tool_call_start is not None:
        calls[delta.block_index] = [delta.tool_call_start.name, delta.tool_call_start.arguments]
    if delta.tool_call_arguments:
        calls[delta.block_index].append(delta.tool_call_arguments)
    if delta.finish_reason is not None:
        got.finish = _word(delta.finish_reason)


def _word(reason: FinishReason) -> str:
    return reason.name.lower()


def _usage(settlement: Settlement | None) -> tuple[int, int]:
    assert settlement is not None
    assert settlement.usage is not None
    usage = settlement.usage
    assert usage.input_tokens is not None
    assert usage.output_tokens is not None
    return usage.input_tokens + (usage.cache_read_tokens or 0), usage.output_tokens
