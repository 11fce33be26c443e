"""Responses as the JSON of OpenAI's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from airegistry import _ids
from airegistry.dialects.a2a.states import WAITING_WORDS
from airegistry.invocations.chat import ChatChoice, ChatResponse, FinishReason
from airegistry.invocations.invocation import Settlement
from gateway.fronts.accounts import settlement_value
from gateway.fronts.answering import warned
from gateway.fronts.openai_responses.output import OutputWriter
from gateway.fronts.openai_responses.requests import ResponsesCall
from gateway.fronts.openai_responses.usage import responses_usage

_INCOMPLETE: Final = {
    FinishReason.LENGTH: "max_output_tokens",
    FinishReason.CONTENT_FILTER: "content_filter",
}
_DEFAULTS: Final[Mapping[str, Any]] = {
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": False,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "usage": None,
    "user": None,
}


def new_id(prefix: str) -> str:
    """Return an id of ours."""
    return f"{prefix}_{_ids.new_id()}"


def response_head(call: ResponsesCall, id_: str, created: int) -> dict[str, Any]:
    """Return a response that has not been answered yet: what was asked for, and the defaults of what was not."""
    return {
        "id": id_,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "model": call.model,
        "output": [],
        **_DEFAULTS,
        **(call.said or {}),
    }


def ending(finish: FinishReason | None, upstream: str, *, refused: bool) -> dict[str, Any]:
    """Return how a response ended. A refusal in words is a normal end; one without looks like that of a filter.

    An agent that waits for its caller has not completed anything: its own word is the reason.
    """
    if finish is FinishReason.REFUSAL and not refused:
        finish = FinishReason.CONTENT_FILTER
    reason = upstream if upstream in WAITING_WORDS else _INCOMPLETE.get(finish) if finish else None
    if reason is None:
        return {"status": "completed"}
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


def told(call: ResponsesCall, settlement: Settlement | None, lost: list[str]) -> dict[str, Any]:
    """Return the usage, and who answered at what cost."""
    account = warned(settlement, call.warnings)
    return {"usage": responses_usage(account.usage), "airegistry": settlement_value(account, lost)}


def response_body(response: ChatResponse, settlement: Settlement, call: ResponsesCall, created: int) -> bytes:
    """Return a whole response."""
    choice = response.choices[0] if response.choices else ChatChoice()
    blocks = choice.message.content if choice.message else ()
    end = ending(choice.finish_reason, choice.upstream_finish_reason, refused=any(block.refusal for block in blocks))
    writer = OutputWriter(new_id, end["status"])
    writer.write(choice)
    body = {
        **(response.extra or {}),
        **response_head(call, new_id("resp"), created),
        **end,
        "output": writer.items,
        **told(call, settlement, writer.lost),
    }
    return orjson.dumps(body)
