"""One candidate of an answer, out of the parts of a stream or out of a whole answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.gemini.logprobs import logprobs_of
from airegistry.dialects.signatures import GEMINI, marked
from airegistry.errors import MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta, FinishReason
from airegistry.invocations.content import ContentBlock, MediaBlock, ToolCall
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.streaming import StreamItem

_FINISH_REASONS: Final = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
    "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "IMAGE_RECITATION": FinishReason.CONTENT_FILTER,
    "MODEL_ARMOR": FinishReason.CONTENT_FILTER,
}
_MALFORMED: Final = frozenset(("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"))
"""The model failed to write what it wanted to: nothing that a caller could use, and another try may do better."""

_FIELDS: Final = frozenset(("index", "content", "finishReason", "finishMessage", "logprobsResult", "tokenCount"))
_PART_FIELDS: Final = frozenset(
    ("text", "thought", "thoughtSignature", "functionCall", "inlineData", "fileData", "partMetadata")
)


class Candidate:
    """What one candidate has given so far."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._path = f"candidates[{index}]"
        self._blocks = 0
        self._open: tuple[str, int] = ("", 0)
        self._calls = 0
        self._finish = ""
        self._warned: set[str] = set()

    @property
    def ended(self) -> bool:
        """Whether the candidate has said why it ended."""
        return bool(self._finish)

    def take(self, said: Mapping[str, Any], answer_id: str) -> list[StreamItem]:
        """Take the next (or only) appearance of the candidate and return what it adds, but for its end."""
        items: list[StreamItem] = []
        content = reading.nested(said, "content", self._path)
        for part in reading.objects(content, "parts", self._path):
            items.extend(self._part(part, answer_id))
        if logprobs := logprobs_of(said, self._path):
            items.append(ChatDelta(self._index, self._open[1], logprobs=logprobs))
        self._finish = reading.text(said, "finishReason", self._path) or self._finish
        for name in said.keys() - _FIELDS:
            if said[name]:
                items.extend(self._lost(f"{self._path}.{name}", "this field"))
        return items

    def close(self) -> ChatDelta:
        """Return why the candidate ended. Raises MalformedAnswerError when it ended in nonsense of the model's."""
        if not self._finish:
            raise TruncatedAnswerError(f"{self._path} ended without a finishReason")
        if self._finish in _MALFORMED:
            raise MalformedAnswerError(f"the model ended with {self._finish}")
        reason = _FINISH_REASONS.get(self._finish, FinishReason.OTHER)
        if reason is FinishReason.STOP and self._calls:
            reason = FinishReason.TOOL_CALLS
        last = max(self._blocks - 1, 0)
        return ChatDelta(self._index, last, finish_reason=reason, upstream_finish_reason=self._finish)

    def _part(self, part: Mapping[str, Any], answer_id: str) -> Iterator[StreamItem]:
        signature = marked(GEMINI, reading.text(part, "thoughtSignature", self._path))
        thought = bool(part.get("thought"))
        # A signature goes before the part that carries it, to the thought that it signs.
        if signature and not thought:
            yield self._signed(signature)
        if part.get("functionCall") is not None:
            yield self._call(reading.nested(part, "functionCall", self._path), answer_id)
        elif text := reading.text(part, "text", self._path):
            yield self._words(text, thought=thought)
        elif part.get("inlineData") is not None or part.get("fileData") is not None:
            yield self._media(part)
        if signature and thought:
            yield self._signed(signature)
        for name in part.keys() - _PART_FIELDS:
            yield from self._lost(f"{self._path}.content.parts.{name}", "this kind of part")

    def _words(self, text: str, *, thought: bool) -> ChatDelta:
        block = self._block("thinking" if thought else "text")
        return ChatDelta(self._index, block, thinking=text) if thought else ChatDelta(self._index, block, text=text)

    def _signed(self, signature: str) -> ChatDelta:
        block = self._block("thinking")
        # What is thought after it is another thought.
        self._open = ("", block)
        return ChatDelta(self._index, block, thinking_signature=signature)

    def _call(self, call: Mapping[str, Any], answer_id: str) -> ChatDelta:
        path = f"{self._path}.functionCall"
        name = reading.text(call, "name", path)
        if not name:
            raise MalformedAnswerError(f"{path} has no name")
        made = f"call_{re.sub(r'[^A-Za-z0-9_-]', '-', answer_id) or '0'}_{self._index}_{self._calls}"
        self._calls += 1
        arguments = reading.json_text(dict(reading.nested(call, "args", path)))
        start = ToolCall(reading.text(call, "id", path) or made, name, arguments)
        return ChatDelta(self._index, self._new_block("call"), tool_call_start=start)

    def _media(self, part: Mapping[str, Any]) -> ChatDelta:
        path = f"{self._path}.content.parts"
        inline, file = reading.nested(part, "inlineData", path), reading.nested(part, "fileData", path)
        media_type = reading.text(inline or file, "mimeType", path)
        if inline:
            data = reading.base64_bytes(reading.text(inline, "data", path), f"{path}.inlineData.data")
            media = MediaBlock(data=data, media_type=media_type)
        else:
            media = MediaBlock(url=reading.text(file, "fileUri", path), media_type=media_type)
        return ChatDelta(self._index, self._new_block("media"), block=_media_block(media))

    def _block(self, kind: str) -> int:
        """Return the block that is open for a kind of content, or a new one."""
        return self._open[1] if self._open[0] == kind else self._new_block(kind)

    def _new_block(self, kind: str) -> int:
        self._open = (kind, self._blocks)
        self._blocks += 1
        return self._open[1]

    def _lost(self, path: str, what: str) -> Iterator[FieldWarning]:
        if path not in self._warned:
            self._warned.add(path)
            yield FieldWarning(path, f"{what} of the answer has no place in the canonical form")


def _media_block(media: MediaBlock) -> ContentBlock:
    match media.media_type.partition("/")[0]:
        case "image":
            return ContentBlock(image=media)
        case "audio":
            return ContentBlock(audio=media)
        case "video":
            return ContentBlock(video=media)
    return ContentBlock(file=media)
