"""Whole answers as the items of a response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airegistry.dialects.openai_responses.annotations import annotation_of
from airegistry.invocations.chat import ChatChoice, TokenLogprob
from airegistry.invocations.content import ContentBlock, TextBlock
from gateway.fronts.openai_responses.items import (
    Value,
    call_item,
    image_item,
    message_item,
    reasoning_item,
    refusal_part,
    text_part,
)


class OutputWriter:
    """Writes blocks into `items`; what has no place there is named in `lost`."""

    def __init__(self, new_id: Callable[[str], str], status: str) -> None:
        self.items: list[Value] = []
        self.lost: list[str] = []
        self._new_id = new_id
        self._status = status
        self._logprobs: tuple[TokenLogprob, ...] = ()

    def write(self, choice: ChatChoice) -> None:
        """Write an answer. All its probabilities go to its first text: where another one begins they do not tell."""
        self._logprobs = choice.logprobs
        for i, block in enumerate(choice.message.content if choice.message else ()):
            if not self._block(block):
                self.lost.append(f"output[{i}]: has no place in this format")

    def _block(self, block: ContentBlock) -> bool:
        if block.text is not None:
            return self._text(block.text)
        if block.refusal is not None:
            self._part(refusal_part(block.refusal.text))
        elif block.tool_call is not None:
            self.items.append(call_item(self._new_id("fc"), block.tool_call, self._status))
        elif block.thinking is not None:
            thinking = block.thinking
            self.items.append(reasoning_item(self._new_id("rs"), thinking.text, thinking.signature))
            return not thinking.redacted_data
        elif block.image is not None and block.image.data is not None:
            self.items.append(image_item(self._new_id("ig"), block.image))
        else:
            return False
        return True

    def _text(self, text: TextBlock) -> bool:
        kept, whole = fitting(text.annotations)
        self._part(text_part(text.text, kept, self._logprobs))
        self._logprobs = ()
        return whole

    def _part(self, part: Value) -> None:
        if not (self.items and self.items[-1]["type"] == "message"):
            self.items.append(message_item(self._new_id("msg"), [], self._status))
        self.items[-1]["content"].append(part)


def fitting(annotations: tuple[Any, ...]) -> tuple[list[Any], bool]:
    """Return the annotations that this format has, and whether these are all."""
    kept = [fit for annotation in annotations if (fit := annotation_of(annotation)) is not None]
    return kept, len(kept) == len(annotations)
