"""What a caller of OpenAI's Responses API asks for, in canonical form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airegistry.errors import FieldViolation
from airegistry.invocations.chat import ChatRequest, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import Warning as FieldWarning
from gateway.fronts.fields import Fields, body_fields, json_again
from gateway.fronts.openai_responses.input import Conversation
from gateway.fronts.openai_responses.options import Options
from gateway.fronts.openai_responses.words import Words

_KEPT_ELSEWHERE: Final = {
    "previous_response_id": "this gateway keeps no responses, and the target none of this format: send the conversation as `input`",
    "conversation": "this gateway keeps no conversations, and the target none of this format: send it as `input`",
    "prompt": "this gateway keeps no prompts, and the target none of this format",
    "background": "this gateway answers while its caller waits, and so does the target",
    "store": "this gateway stores nothing, and the target nothing of this format",
}
"""What refers to state, which only a target of the same format may have."""

_SAID_BACK: Final = (
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
)
"""Fields that a response repeats of its request."""


@dataclass(frozen=True, slots=True)
class ResponsesCall:
    """A call of `/v1/responses`.

    With `rewrite` a target of the same format must not get the caller's own words. `untranslatable` names what only a target of the same format can do, `warnings` what has no canonical place, `said` what a response
    repeats, and `words` knows the caller's names of canonical fields.
    """

    model: str
    request: ChatRequest
    words: Words
    stream: bool = False
    rewrite: bool = False
    untranslatable: tuple[FieldViolation, ...] = ()
    warnings: tuple[FieldWarning, ...] = ()
    said: Mapping[str, Any] | None = None


def read_responses(body: bytes) -> ResponsesCall:
    """Read the body of a request for a response. Raises InvalidArgumentError.

    Top-level fields without a canonical place go to `extra`.
    """
    fields = body_fields(body)
    model, stream = fields.needed("model"), bool(fields.flag("stream"))
    said = _said(fields)
    kept_elsewhere = list(_kept_elsewhere(fields))
    talk, options = _conversation(fields), Options(fields)
    _take_harmless(fields)
    request = ChatRequest(messages=talk.messages, **options.values, extra=_extra(fields))
    untranslatable = (*kept_elsewhere, *talk.untranslatable, *options.untranslatable)
    lost = tuple(FieldWarning(path, "this field is not known here; not sent") for path in fields.unread_below())
    return ResponsesCall(
        model=model,
        request=request,
        words=Words(talk.places, options.tools),
        stream=stream,
        # What cannot be written anew has to take its chances.
        rewrite=talk.foreign_thoughts and not untranslatable,
        untranslatable=untranslatable,
        warnings=lost,
        said=said,
    )


def _said(fields: Fields) -> dict[str, Any]:
    said = {name: value for name in _SAID_BACK if (value := fields.take(name)) is not None}
    for name, value in said.items():
        # What could not be said back is refused now, not when the answer is there.
        json_again(value, name)
    return said


def _conversation(fields: Fields) -> Conversation:
    talk = Conversation()
    if instructions := fields.text("instructions"):
        talk.say(Role.SYSTEM, [(ContentBlock(text=TextBlock(instructions)), "instructions")])
    talk.read(fields)
    return talk


def _kept_elsewhere(fields: Fields) -> Iterator[FieldViolation]:
    for name, problem in _KEPT_ELSEWHERE.items():
        # False asks for what happens here anyway.
        if fields.take(name):
            yield FieldViolation(name, problem)


def _take_harmless(fields: Fields) -> None:
    """Take what asks for nothing that is not done anyway."""
    fields.mapping("metadata")
    fields.mapping("stream_options")


def _extra(fields: Fields) -> Mapping[str, Any] | None:
    # Taken to be said back, and still not ours to drop in silence.
    truncation = fields.text("truncation")
    asked = {"truncation": truncation} if truncation not in ("", "disabled") else {}
    return {**fields.rest(), **asked} or None
