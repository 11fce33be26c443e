"""A canonical request as the variables that a template sees."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airegistry.dialects.exchange import Input
from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import (
    ChatRequest,
    Message,
    Reasoning,
    ResponseFormat,
    Role,
    Tool,
    ToolChoice,
)
from airegistry.invocations.content import ContentBlock, MediaBlock, ToolCall
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.invocations.kinds import ImageRequest, RerankRequest
from airegistry.resources.custom.fields import blank

MEDIA = ("image", "audio", "video", "file")
# Taken over as they are: unset is none, an empty text too.
_SAME: Mapping[type, tuple[str, ...]] = {
    ChatRequest: (
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_k",
        "parallel_tool_calls",
        "seed",
        "choice_count",
        "presence_penalty",
        "frequency_penalty",
        "top_logprobs",
        "user",
    ),
    EmbeddingsRequest: ("dimensions", "purpose", "user"),
    ImageRequest: ("prompt", "count", "size", "quality", "media_type"),
    RerankRequest: ("query", "top_n", "return_documents"),
}


def kind_of(request: Input) -> str:
    """Return what a request is called in templates. Raises UnsupportedFieldError for what they cannot write."""
    match request:
        case ChatRequest():
            return "chat"
        case EmbeddingsRequest():
            return "embeddings"
        case ImageRequest():
            return "image"
        case RerankRequest():
            return "rerank"
    raise UnsupportedFieldError(f"dialect custom cannot express a {type(request).__name__}")


def context_of(request: Input, model: str, *, stream: bool) -> dict[str, Any]:
    """Return the variables; all of them are there, none or empty where the request says nothing."""
    context = {**blank(kind_of(request)), "model": model, "stream": stream}
    context["extra"] = dict(getattr(request, "extra", None) or {})
    context.update({name: _given(getattr(request, name)) for name in _SAME[type(request)]})
    match request:
        case ChatRequest():
            context.update(_chat(request))
        case EmbeddingsRequest():
            inputs = [one.text if one.token_ids is None else list(one.token_ids.ids) for one in request.inputs]
            context.update(inputs=inputs, input=inputs[0] if len(inputs) == 1 else None)
        case ImageRequest():
            context["images"] = [_media("image", block) for block in request.inputs]
        case RerankRequest():
            context["documents"] = list(request.documents)
    return context


def _given(value: Any) -> Any:
    return None if value == "" else value


def _chat(request: ChatRequest) -> dict[str, Any]:
    messages = [written for message in request.messages for written in messages_of(message)]
    turns = [message for message in messages if message["role"] != "system"]
    spoken = [message["text"] for message in turns if message["role"] == "user"]
    return {
        "messages": messages,
        "turns": turns,
        "system": "\n\n".join(message["text"] for message in messages if message["role"] == "system") or None,
        "prompt": spoken[-1] if spoken else None,
        "stop_sequences": list(request.stop_sequences),
        "output_modalities": list(request.output_modalities),
        "tools": [_tool(tool) for tool in request.tools],
        "tool_choice": _tool_choice(request.tool_choice),
        "response_format": _response_format(request.response_format),
        "reasoning": _reasoning(request.reasoning),
    }


def messages_of(message: Message) -> Iterator[dict[str, Any]]:
    """Return a turn as templates see it; every tool result is a turn of its own."""
    rest = [block for block in message.content if block.tool_result is None]
    for block in message.content:
        if block.tool_result is not None:
            yield _message("tool", (block,), message.name)
    if rest or not message.content:
        role = message.role or Role.USER
        yield _message(role.name.lower(), rest, message.name)


def _message(role: str, content: Sequence[ContentBlock], name: str) -> dict[str, Any]:
    results = [block.tool_result for block in content if block.tool_result is not None]
    return {
        "role": role,
        "name": name or None,
        "text": "".join(map(_text, content)),
        "content": [_block(block) for block in content],
        "tool_calls": [_call(block.tool_call) for block in content if block.tool_call is not None],
        "tool_call_id": results[0].tool_call_id if results else None,
    }


def _text(block: ContentBlock) -> str:
    if block.text is not None:
        return block.text.text
    if block.tool_result is not None:
        return "".join(map(_text, block.tool_result.content))
    return block.refusal.text if block.refusal is not None else ""


def _block(block: ContentBlock) -> dict[str, Any]:
    if block.text is not None:
        return {"type": "text", "text": block.text.text}
    if block.thinking is not None:
        return {"type": "thinking", "text": block.thinking.text, "signature": block.thinking.signature or None}
    if block.tool_call is not None:
        return {"type": "tool_call", **_call(block.tool_call)}
    if block.tool_result is not None:
        result = block.tool_result
        return {
            "type": "tool_result",
            "tool_call_id": result.tool_call_id,
            "text": _text(block),
            "content": [_block(inner) for inner in result.content],
            "is_error": result.is_error,
        }
    if block.refusal is not None:
        return {"type": "refusal", "text": block.refusal.text}
    kind = next(kind for kind in MEDIA if getattr(block, kind) is not None)
    return _media(kind, getattr(block, kind))


def _media(kind: str, media: MediaBlock) -> dict[str, Any]:
    """Return a picture, sound or file. `source` is its URL, a `data:` URL where only bytes were given."""
    data = base64.b64encode(media.data).decode() if media.data is not None else None
    inline = f"data:{media.media_type or 'application/octet-stream'};base64,{data}" if data is not None else None
    return {
        "type": kind,
        "source": media.url or inline,
        "url": media.url,
        "data": data,
        "file_id": media.file_id,
        "media_type": media.media_type or None,
        "filename": media.filename or None,
        "detail": media.detail or None,
    }


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id or None, "name": call.name, "arguments": call.arguments}


def _tool(tool: Tool) -> dict[str, Any]:
    schema = dict(tool.input_schema) if tool.input_schema is not None else None
    return {"name": tool.name, "description": tool.description or None, "input_schema": schema, "strict": tool.strict}


def _tool_choice(choice: ToolChoice | None) -> dict[str, Any] | None:
    if choice is None or choice.mode is None:
        return None
    return {"mode": choice.mode.name.lower(), "name": choice.name or None}


def _response_format(form: ResponseFormat | None) -> dict[str, Any] | None:
    if form is None or form.kind is None:
        return None
    schema = dict(form.json_schema) if form.json_schema is not None else None
    return {"kind": form.kind.name.lower(), "name": form.name or None, "json_schema": schema, "strict": form.strict}


def _reasoning(reasoning: Reasoning | None) -> dict[str, Any] | None:
    if reasoning is None:
        return None
    return {
        "effort": reasoning.effort or None,
        "max_tokens": reasoning.max_tokens,
        "include_thoughts": reasoning.include_thoughts,
    }
