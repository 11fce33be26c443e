"""A whole answer as the message of a chat completion."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from airegistry.invocations.chat import ChatChoice, FinishReason, TokenLogprob
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock

TRANSCRIPT: Final = "audio_transcript"
"""The type of the annotation that says that a text is the transcript of an answer's sound."""

_FINISH_REASONS: Final = {
    FinishReason.STOP: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.CONTENT_FILTER: "content_filter",
}


def choice_value(choice: ChatChoice, lost: list[str]) -> dict[str, Any]:
    """Return one choice. What has no place in it is named in *lost*."""
    content = choice.message.content if choice.message else ()
    message = message_value(content, f"choices[{choice.index}].message", lost)
    return {
        "index": choice.index,
        "message": message,
        "logprobs": logprobs_value(choice.logprobs),
        "finish_reason": finish_reason_word(
            choice.finish_reason, choice.upstream_finish_reason, refused=message["refusal"] is not None
        ),
    }


def message_value(content: tuple[ContentBlock, ...], path: str, lost: list[str]) -> dict[str, Any]:
    """Return the message that says what the blocks say."""
    writer = MessageWriter()
    for i, block in enumerate(content):
        if not writer.add(block):
            lost.append(f"{path}.content[{i}]: has no place in this format")
    return writer.value


def finish_reason_word(reason: FinishReason | None, upstream: str, *, refused: bool) -> str:
    """Return OpenAI's word. A refusal in words is a normal end there; one without looks like that of a filter."""
    if reason is FinishReason.REFUSAL:
        return "stop" if refused else "content_filter"
    return _FINISH_REASONS.get(reason, upstream or "stop") if reason else "stop"


def logprobs_value(tokens: tuple[TokenLogprob, ...]) -> dict[str, Any] | None:
    """Return the log-probabilities, None when there are none."""
    return (
        {"content": [{**_token(t), "top_logprobs": [_token(o) for o in t.top]} for t in tokens], "refusal": None}
        if tokens
        else None
    )


def audio_facts(text: TextBlock) -> dict[str, Any]:
    """Return what the annotations of a transcript tell of its sound; empty when the text is no transcript."""
    facts: dict[str, Any] = {}
    for annotation in text.annotations:
        if annotation.get("type") == TRANSCRIPT:
            facts.update({name: value for name, value in annotation.items() if name != "type"})
    return facts


class MessageWriter:
    """Puts blocks into one message, which is `value`."""

    def __init__(self) -> None:
        self.value: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}

    def add(self, block: ContentBlock) -> bool:
        """Add what a block says, and return whether all of it had a place."""
        if block.text is not None:
            self._text(block.text)
        elif block.thinking is not None:
            self._append("reasoning_content", block.thinking.text)
            return not (block.thinking.signature or block.thinking.redacted_data)
        elif block.tool_call is not None:
            call = block.tool_call
            function = {"name": call.name, "arguments": call.arguments}
            self._list("tool_calls").append({"id": call.id, "type": "function", "function": function})
        elif block.refusal is not None:
            self._append("refusal", block.refusal.text)
        elif block.image is not None:
            # In the form that OpenRouter gave it; OpenAI's answers have no images.
            self._list("images").append({"type": "image_url", "image_url": {"url": _url(block.image)}})
        elif block.audio is not None and block.audio.data is not None:
            self._audio()["data"] = base64.b64encode(block.audio.data).decode()
        else:
            return False
        return True

    def _text(self, text: TextBlock) -> None:
        if facts := audio_facts(text):
            self._audio().update(facts, transcript=text.text)
            return
        self._append("content", text.text)
        if text.annotations:
            self._list("annotations").extend(text.annotations)

    def _append(self, name: str, words: str) -> None:
        self.value[name] = (self.value.get(name) or "") + words

    def _list(self, name: str) -> list[Any]:
        values: list[Any] = self.value.setdefault(name, [])
        return values

    def _audio(self) -> dict[str, Any]:
        audio: dict[str, Any] = self.value.setdefault("audio", {})
        return audio


def _token(token: TokenLogprob) -> Mapping[str, Any]:
    return {"token": token.token, "logprob": token.logprob, "bytes": list(token.token_bytes or token.token.encode())}


def _url(media: MediaBlock) -> str:
    if media.data is None:
        return media.url or ""
    return f"data:{media.media_type};base64,{base64.b64encode(media.data).decode()}"
