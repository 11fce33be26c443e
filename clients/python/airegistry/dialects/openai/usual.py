"""Whole answers of the usual shape, one text and why it ended, known by their shape without being taken apart.

An answer of any other shape is for `Chunks`, which makes the same of these ones too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from airegistry.dialects.exchange import Answer
from airegistry.dialects.openai.ends import finish_reason_of
from airegistry.dialects.openai.usage import usage_of
from airegistry.invocations.chat import ChatChoice, ChatResponse, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock

_Words = Annotated[str, msgspec.Meta(min_length=1)]
_Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Nothing = tuple[()]
_Counts = dict[str, int | float | str | None]


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: _Words
    role: str | None = None
    refusal: None = None
    annotations: _Nothing | None = None
    audio: None = None
    images: _Nothing | None = None
    function_call: None = None
    tool_calls: _Nothing | None = None
    reasoning_content: None = None
    reasoning: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    message: _Message
    finish_reason: _Words
    index: Literal[0] = 0
    native_finish_reason: str | None = None
    logprobs: None = None
    stop_reason: int | None = None
    matched_stop: int | None = None
    token_ids: None = None


class _Usual(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    choices: tuple[_Choice]
    object: Literal["chat.completion"] = "chat.completion"
    id: str = ""
    created: _Number = 0
    model: str = ""
    usage: dict[str, int | float | str | _Counts | None] | None = None
    error: None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    provider: str | None = None
    prompt_logprobs: None = None
    prompt_token_ids: None = None
    kv_transfer_params: None = None


_read: Final = msgspec.json.Decoder(_Usual).decode
_OTHER: Final = (ValueError, RecursionError)


def usual_answer(body: bytes) -> Answer | None:
    """Return what an answer of the usual shape says; None for any other, and for what is no answer."""
    try:
        answer = _read(body)
    except _OTHER:
        return None
    choice = answer.choices[0]
    if (reason := finish_reason_of(choice.finish_reason)) is None:
        return None
    response = ChatResponse(
        choices=(
            ChatChoice(
                index=0,
                message=Message(Role.ASSISTANT, (ContentBlock(text=TextBlock(choice.message.content)),)),
                finish_reason=reason,
                upstream_finish_reason=choice.native_finish_reason or choice.finish_reason,
            ),
        ),
        upstream_id=answer.id,
        upstream_model=answer.model,
        created=answer.created or None,
        extra=_facts(answer) or None,
    )
    return Answer(response, usage_of({"usage": answer.usage}), ())


def _facts(answer: _Usual) -> Mapping[str, Any]:
    facts = {
        "system_fingerprint": answer.system_fingerprint,
        "service_tier": answer.service_tier,
        "provider": answer.provider,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}
