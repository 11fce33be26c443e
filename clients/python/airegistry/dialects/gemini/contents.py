"""Turns of a conversation as Gemini's contents."""

from __future__ import annotations

import base64
from typing import Any, Final

import orjson

from airegistry.dialects.signatures import GEMINI, own
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import Message, Role
from airegistry.invocations.content import ContentBlock, MediaBlock, ThinkingBlock, ToolCall, ToolResult
from airegistry.invocations.invocation import Warning as FieldWarning

_UNSIGNED: Final = "skip_thought_signature_validator"
"""Google's word for a call whose thought was signed by nobody, as in a conversation that began with another model. Without
it newer models refuse the turn (Gemini API, "Thought signatures")."""

_MEDIA: Final = ("image", "audio", "video", "file")


class ContentWriter:
    """Writes contents, and collects in `warnings` what could not be written."""

    def __init__(self) -> None:
        self.warnings: list[FieldWarning] = []
        self._names: dict[str, str] = {}
        self._signature = ""

    def write(self, messages: tuple[Message, ...], path: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the parts of the system instruction, and the contents. Neighbours of one role become one content."""
        system: list[dict[str, Any]] = []
        contents: list[dict[str, Any]] = []
        for i, message in enumerate(messages):
            at = f"{path}[{i}]"
            if message.name:
                self._warn(f"{at}.name", "this format has no names of participants; not sent")
            parts = self._parts(message, f"{at}.content")
            if message.role is Role.SYSTEM:
                if contents:
                    self._warn(at, "this format has one system instruction; moved to the beginning")
                system.extend(parts)
            elif parts:
                _add(contents, "model" if message.role is Role.ASSISTANT else "user", parts)
        return system, contents

    def _parts(self, message: Message, path: str) -> list[dict[str, Any]]:
        self._signature = ""
        parts: list[dict[str, Any]] = []
        for j, block in enumerate(message.content):
            if (part := self._part(block, f"{path}[{j}]")) is not None:
                first_call = "functionCall" in part and not any("functionCall" in earlier for earlier in parts)
                parts.append(self._signed(part, otherwise=_UNSIGNED if first_call else ""))
        if self._signature:
            # As Gemini itself sends one that belongs to the end of a text.
            parts.append(self._signed({"text": ""}))
        return parts

    def _part(self, block: ContentBlock, path: str) -> dict[str, Any] | None:
        if block.cache_control:
            self._warn(f"{path}.cache_control", "the provider decides by itself what it caches")
        if block.text is not None:
            if block.text.annotations:
                self._warn(f"{path}.text.annotations", "annotations are not sent")
            return {"text": block.text.text}
        if block.thinking is not None:
            return self._thought(block.thinking, f"{path}.thinking")
        if block.tool_call is not None:
            return self._call(block.tool_call, f"{path}.tool_call")
        if block.tool_result is not None:
            return self._result(block.tool_result, f"{path}.tool_result")
        if block.refusal is not None:
            self._warn(f"{path}.refusal", "this format has no refusals; sent as text")
            return {"text": block.refusal.text}
        return next(_media(media, f"{path}.{kind}") for kind in _MEDIA if (media := getattr(block, kind)) is not None)

    def _thought(self, thinking: ThinkingBlock, path: str) -> dict[str, Any] | None:
        """Keep a signature of Gemini's for the next part, which it belongs to; what others thought is not sent."""
        signature = own(GEMINI, thinking.signature)
        if signature is None:
            self._warn(path, "only thoughts that this provider signed itself are sent")
            return None
        self._signature = signature
        return {"text": thinking.text, "thought": True} if thinking.text else None

    def _signed(self, part: dict[str, Any], *, otherwise: str = "") -> dict[str, Any]:
        if part.get("thought"):
            return part
        signature, self._signature = self._signature or otherwise, ""
        return {**part, "thoughtSignature": signature} if signature else part

    def _call(self, call: ToolCall, path: str) -> dict[str, Any]:
        self._names[call.id] = call.name
        return {"functionCall": {"id": call.id, "name": call.name, "args": _arguments(call, path)}}

    def _result(self, result: ToolResult, path: str) -> dict[str, Any]:
        name = self._names.get(result.tool_call_id)
        if name is None:
            raise InvalidArgumentError.of(f"{path}.tool_call_id", "answers a call that is not in this conversation")
        texts = [block.text.text for block in result.content if block.text is not None]
        media = [
            _media(given, f"{path}.content[{k}].{kind}")
            for k, block in enumerate(result.content)
            for kind in _MEDIA
            if (given := getattr(block, kind)) is not None
        ]
        response: dict[str, Any] = {"id": result.tool_call_id, "name": name}
        response["response"] = _response("".join(texts), is_error=result.is_error)
        if media:
            response["parts"] = media
        return {"functionResponse": response}

    def _warn(self, path: str, message: str) -> None:
        self.warnings.append(FieldWarning(path, message))


def _add(contents: list[dict[str, Any]], role: str, parts: list[dict[str, Any]]) -> None:
    if contents and contents[-1]["role"] == role:
        contents[-1]["parts"].extend(parts)
    else:
        contents.append({"role": role, "parts": parts})


def _arguments(call: ToolCall, path: str) -> orjson.Fragment:
    """Return the arguments as the model wrote them: a number may have more digits than we can hold."""
    try:
        arguments = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError as error:
        raise InvalidArgumentError.of(f"{path}.arguments", "is not valid JSON, which this format needs") from error
    if not isinstance(arguments, dict):
        raise InvalidArgumentError.of(f"{path}.arguments", "must be a JSON object in this format")
    return orjson.Fragment(call.arguments or "{}")


def _response(text: str, *, is_error: bool) -> Any:
    """Return a result as the object that the format wants: itself, if it is one and no error, else under Google's names."""
    if is_error:
        return {"error": text}
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"result": text}
    return orjson.Fragment(text) if isinstance(value, dict) else {"result": text}


def _media(media: MediaBlock, path: str) -> dict[str, Any]:
    if media.data is not None:
        return {"inlineData": {"mimeType": media.media_type, "data": base64.b64encode(media.data).decode()}}
    if media.url is None:
        raise UnsupportedFieldError.of(f"{path}.file_id", "this format takes bytes or a URI here, not the id of a file")
    file = {"fileUri": media.url}
    return {"fileData": {"mimeType": media.media_type, **file} if media.media_type else file}
