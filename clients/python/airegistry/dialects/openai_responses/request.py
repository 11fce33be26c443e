"""A ChatRequest as the JSON of OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from airegistry.dialects.openai.messages import UNCACHED
from airegistry.dialects.openai.variants import Variant
from airegistry.dialects.openai_responses.form import text_form, tool_choice_value, tool_value
from airegistry.dialects.openai_responses.items import ItemWriter
from airegistry.dialects.openai_responses.merging import merge
from airegistry.dialects.signatures import RESPONSES, own
from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message, Reasoning
from airegistry.invocations.invocation import Warning as FieldWarning

_LEAST_TOKENS: Final = 16
"""The API takes no smaller limit."""
_UNSENDABLE: Final = ("seed", "presence_penalty", "frequency_penalty", "top_k")


def responses_head(request: ChatRequest, upstream_model: str, *, stream: bool) -> dict[str, Any]:
    """Return the fields that depend on the target, on how the answer is to come, or on what a route may change."""
    fields: dict[str, Any] = {
        "model": upstream_model,
        "max_output_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "stream": True if stream else None,
    }
    return _given(fields)


def responses_body(
    request: ChatRequest, upstream_model: str, variant: Variant, *, stream: bool
) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return the body, and what could not be expressed in it."""
    _refuse_impossible(request)
    writer = ItemWriter(variant)
    body = responses_head(request, upstream_model, stream=stream)
    if "max_output_tokens" in body:
        body["max_output_tokens"] = max(body["max_output_tokens"], _LEAST_TOKENS)
    body.update(writer.write(request.messages, "chat.messages"))
    body.update(_options(request))
    # The conversation travels with every call; a copy at the provider would be read by nobody.
    body["store"] = False
    merge(body, request.extra or {})
    return body, [*writer.warnings, *_unsaid(request)]


def _refuse_impossible(request: ChatRequest) -> None:
    """Refuse what would change the answer if it were left out."""
    if (request.choice_count or 1) > 1:
        raise UnsupportedFieldError.of("chat.choice_count", "this format gives one answer to a call")
    if request.stop_sequences:
        raise UnsupportedFieldError.of("chat.stop_sequences", "this format has none")
    if any(modality != "text" for modality in request.output_modalities):
        raise UnsupportedFieldError.of("chat.output_modalities", "this format answers in text")


def _options(request: ChatRequest) -> dict[str, Any]:
    fields = {
        "top_p": request.top_p,
        "tools": [tool_value(tool) for tool in request.tools] or None,
        "tool_choice": tool_choice_value(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "text": text_form(request.response_format),
        "reasoning": _reasoning(request.reasoning),
        "top_logprobs": request.top_logprobs,
        "user": request.user or None,
        "include": list(_included(request)) or None,
    }
    return _given(fields)


def _reasoning(reasoning: Reasoning | None) -> dict[str, Any] | None:
    if reasoning is None:
        return None
    summary = "auto" if reasoning.include_thoughts else None
    return _given({"effort": reasoning.effort or None, "summary": summary}) or None


def _included(request: ChatRequest) -> Iterator[str]:
    """Yield what an answer is to have beside the usual. Models that do not think refuse to be asked for thoughts."""
    asked = request.reasoning or Reasoning()
    if any(map(_signed, request.messages)) or asked.include_thoughts or asked.effort not in ("", "none"):
        yield "reasoning.encrypted_content"
    if request.top_logprobs is not None:
        yield "message.output_text.logprobs"


def _signed(message: Message) -> bool:
    return any(block.thinking and own(RESPONSES, block.thinking.signature) for block in message.content)


def _unsaid(request: ChatRequest) -> Iterator[FieldWarning]:
    if request.max_output_tokens is not None and request.max_output_tokens < _LEAST_TOKENS:
        yield FieldWarning("chat.max_output_tokens", f"this format takes no less than {_LEAST_TOKENS}, which was sent")
    for name in _UNSENDABLE:
        if getattr(request, name) is not None:
            yield FieldWarning(f"chat.{name}", "this format has no field for it; not sent")
    for i, tool in enumerate(request.tools):
        if tool.cache_control:
            yield FieldWarning(f"chat.tools[{i}].cache_control", UNCACHED)
    if request.reasoning is not None and request.reasoning.max_tokens is not None:
        yield FieldWarning("chat.reasoning.max_tokens", "this format knows an effort only; not sent")


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
