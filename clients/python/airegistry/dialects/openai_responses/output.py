"""The items of one answer, as they come in pieces or whole.

Both go through here, so that the same answer comes out the same, streamed or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.openai_responses.pieces import Blocks, Place
from airegistry.dialects.signatures import RESPONSES, marked
from airegistry.invocations.chat import ChatDelta
from airegistry.invocations.content import ContentBlock, MediaBlock, ToolCall
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.streaming import StreamItem

_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "message": frozenset(("id", "type", "role", "status", "content")),
    "reasoning": frozenset(("id", "type", "status", "summary", "content", "encrypted_content")),
    "function_call": frozenset(("id", "type", "status", "call_id", "name", "arguments", "caller", "async")),
    "image_generation_call": frozenset(
        ("id", "type", "status", "result", "output_format", "background", "quality", "size", "action")
    ),
    "output_text": frozenset(("type", "text", "annotations", "logprobs")),
    "refusal": frozenset(("type", "refusal")),
}
"""The fields of items and parts that are read, or that say nothing beside the rest."""


class Output:
    """Reads items. Each has a *key* that is its own in this answer."""

    def __init__(self) -> None:
        self.blocks = Blocks()
        self._keys: dict[str, object] = {}
        self._begun: list[object] = []
        self._warned: set[str] = set()

    @property
    def empty(self) -> bool:
        """Whether no item has begun yet."""
        return not self._begun

    def key(self, said: Mapping[str, Any], item_id: Any) -> object:
        """Return the key of the item that an event is about: some servers count wrong, others change an item's id."""
        if isinstance(item_id, str) and item_id in self._keys:
            return self._keys[item_id]
        index = said.get("output_index")
        if isinstance(index, int):
            return index
        # What names no item is about the newest one.
        return item_id if isinstance(item_id, str) else (self._begun or [0])[-1]

    def knows(self, item: Mapping[str, Any]) -> bool:
        """Say whether an item of that id has begun."""
        return isinstance(item.get("id"), str) and item["id"] in self._keys

    def begin(self, key: object, item: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Begin an item. What is in it already is only the beginning of what it will be."""
        if key not in self._begun:
            self._begun.append(key)
        if isinstance(item.get("id"), str):
            self._keys[item["id"]] = key
        match item.get("type"):
            case "reasoning":
                # Both have their places from the start, whichever of them comes first.
                self.blocks.reserve((key, "summary"))
                self.blocks.reserve((key, "content"))
            case "function_call":
                yield from self.blocks.call(key, _call(item))

    def whole(self, key: object, item: Mapping[str, Any]) -> Iterator[StreamItem]:
        """Add what is left of an item."""
        yield from self.begin(key, item)
        match kind := reading.text(item, "type", "output"):
            case "message":
                yield from self._message(key, item)
            case "reasoning":
                yield from self._reasoning(key, item)
            case "function_call":
                yield from self.blocks.call(key, _call(item))
            case "image_generation_call":
                yield from self._image(key, item)
            case _:
                yield from self._lost(f"output.{kind[:40]}", "an item of this type")
                return
        yield from self._note(kind, item)

    def _message(self, key: object, item: Mapping[str, Any]) -> Iterator[StreamItem]:
        for i, part in enumerate(reading.objects(item, "content", "output.message")):
            path = f"output.message.content[{i}]"
            kind = reading.text(part, "type", path)
            if kind == "refusal":
                place = Place(key, "refusal", i)
                yield from self.blocks.refusal(place, self.blocks.rest(place, reading.text(part, "refusal", path)))
            elif kind == "output_text":
                yield from self.blocks.whole_text(Place(key, "text", i), part, path)
            else:
                yield from self._lost(f"output.message.content.{kind[:40]}", "a part of this type")
                continue
            yield from self._note(kind, part)

    def _reasoning(self, key: object, item: Mapping[str, Any]) -> Iterator[StreamItem]:
        for name in ("summary", "content"):
            for i, part in enumerate(reading.objects(item, name, "output.reasoning")):
                place = Place(key, name, i)
                words = reading.text(part, "text", f"output.reasoning.{name}[{i}]")
                yield from self.blocks.thought(place, self.blocks.rest(place, words))
        signature = reading.text(item, "encrypted_content", "output.reasoning")
        yield from self.blocks.signature(key, marked(RESPONSES, signature))

    def _image(self, key: object, item: Mapping[str, Any]) -> Iterator[StreamItem]:
        place = Place(key, "image")
        encoded = reading.text(item, "result", "output.image_generation_call")
        if encoded and self.blocks.first(place):
            form = reading.text(item, "output_format", "output.image_generation_call") or "png"
            data = reading.base64_bytes(encoded, "output.image_generation_call.result")
            image = MediaBlock(data=data, media_type=f"image/{form}")
            yield ChatDelta(0, self.blocks.reserve(place), block=ContentBlock(image=image))

    def _note(self, kind: str, said: Mapping[str, Any]) -> Iterator[StreamItem]:
        for name in said.keys() - _KNOWN[kind]:
            if said[name]:
                yield from self._lost(f"output.{kind}.{name}", "this field")

    def _lost(self, path: str, what: str) -> Iterator[StreamItem]:
        if path not in self._warned:
            self._warned.add(path)
            yield FieldWarning(path, f"{what} of the answer has no place in the canonical form")


def _call(item: Mapping[str, Any]) -> ToolCall:
    path = "output.function_call"
    given = item.get("arguments")
    # Some bridges pass the arguments on as they parsed them.
    arguments = reading.json_text(given) if isinstance(given, dict) else reading.text(item, "arguments", path)
    call_id = reading.text(item, "call_id", path) or reading.text(item, "id", path)
    return ToolCall(call_id, reading.text(item, "name", path), arguments)
