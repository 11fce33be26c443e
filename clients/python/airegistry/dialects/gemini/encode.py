"""A ChatRequest as the JSON of Gemini's generateContent."""

from __future__ import annotations

from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.gemini.contents import ContentWriter
from airegistry.dialects.gemini.thinking import thinking_config
from airegistry.dialects.relaying import relayed
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import (
    ChatRequest,
    ResponseFormat,
    ResponseFormatKind,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Endpoint

_CANONICAL: Final = frozenset(("contents", "systemInstruction", "generationConfig", "toolConfig"))
_MODES: Final = {
    ToolChoiceMode.AUTO: "AUTO",
    ToolChoiceMode.NONE: "NONE",
    ToolChoiceMode.REQUIRED: "ANY",
    ToolChoiceMode.NAMED: "ANY",
}
_MOST_STOP_SEQUENCES: Final = 5


def content_body(request: ChatRequest, endpoint: Endpoint) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return the body, and what could not be expressed in it.

    `extra` may hold the format's other fields (`safetySettings`, `cachedContent`, `labels`, tools that Google runs itself).
    """
    writer = ContentWriter()
    system, contents = writer.write(request.messages, "chat.messages")
    body: dict[str, Any] = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    config, warnings = _config(request, endpoint)
    if config:
        body["generationConfig"] = config
    body.update(_tools(request))
    _merge(body, request)
    return body, [*writer.warnings, *warnings, *_unsaid(request)]


def wire_body(wire: bytes, request: ChatRequest, endpoint: Endpoint) -> bytes:
    """Return a caller's own body with what a route may change in it."""
    given = reading.nested(
        reading.mapping(reading.json_of(wire, "the body"), "the body"), "generationConfig", "the body"
    )
    changed = {"maxOutputTokens": request.max_output_tokens, "temperature": request.temperature}
    thinking, _ = thinking_config(request.reasoning, endpoint)
    config = {**given, **_known(changed), **({"thinkingConfig": thinking} if thinking else {})}
    if config == given:
        return wire
    return relayed(wire, ("generationConfig",), {"generationConfig": config})


def _config(request: ChatRequest, endpoint: Endpoint) -> tuple[dict[str, Any], list[FieldWarning]]:
    if len(request.stop_sequences) > _MOST_STOP_SEQUENCES:
        raise UnsupportedFieldError.of("chat.stop_sequences", f"this format takes at most {_MOST_STOP_SEQUENCES}")
    thinking, warnings = thinking_config(request.reasoning, endpoint)
    fields = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "candidateCount": request.choice_count,
        "maxOutputTokens": request.max_output_tokens,
        "stopSequences": list(request.stop_sequences) or None,
        "seed": request.seed,
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
        "responseLogprobs": True if request.top_logprobs is not None else None,
        "logprobs": request.top_logprobs or None,
        "responseModalities": [modality.upper() for modality in request.output_modalities] or None,
        "thinkingConfig": thinking or None,
    }
    return {**_known(fields), **_form(request.response_format)}, warnings


def _form(form: ResponseFormat | None) -> dict[str, Any]:
    if form is None or form.kind not in (ResponseFormatKind.JSON_OBJECT, ResponseFormatKind.JSON_SCHEMA):
        return {}
    schema = {"responseJsonSchema": dict(form.json_schema)} if form.json_schema is not None else {}
    return {"responseMimeType": "application/json", **schema}


def _tools(request: ChatRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if request.tools:
        fields["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in request.tools]}]
    if request.tool_choice is not None:
        fields["toolConfig"] = {"functionCallingConfig": _calling(request.tool_choice)}
    return fields


def _declaration(tool: Tool) -> dict[str, Any]:
    schema = dict(tool.input_schema) if tool.input_schema else None
    return _known({"name": tool.name, "description": tool.description or None, "parametersJsonSchema": schema})


def _calling(choice: ToolChoice) -> dict[str, Any]:
    named = [choice.name] if choice.mode is ToolChoiceMode.NAMED else None
    return _known({"mode": _MODES[choice.mode or ToolChoiceMode.AUTO], "allowedFunctionNames": named})


def _merge(body: dict[str, Any], request: ChatRequest) -> None:
    for name, value in (request.extra or {}).items():
        if name == "tools" and isinstance(value, list):
            # Tools that Google runs itself stand beside ours.
            body["tools"] = [*body.get("tools", ()), *value]
        elif name in _CANONICAL or name == "tools":
            raise InvalidArgumentError.of(f"chat.extra.{name}", "repeats a field of the request itself")
        else:
            body[name] = value


def _unsaid(request: ChatRequest) -> list[FieldWarning]:
    warnings = []
    if request.parallel_tool_calls is False:
        warnings.append(FieldWarning("chat.parallel_tool_calls", "this format cannot forbid several calls; not sent"))
    if request.user:
        warnings.append(FieldWarning("chat.user", "this format has no field for it; not sent"))
    if any(tool.strict for tool in request.tools):
        warnings.append(FieldWarning("chat.tools", "this format has no strict schemas for tools; sent without"))
    return warnings


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
