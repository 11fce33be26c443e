"""The pieces of one choice, out of the deltas of a stream or out of a whole message.

Both go through here, so that the same answer comes out the same, streamed or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.errors import error_within
from airegistry.dialects.openai.ends import finish_reason_of
from airegistry.dialects.openai.logprobs import logprobs_of
from airegistry.dialects.openai.sound import Sound
from airegistry.dialects.openai.tool_calls import ToolCalls
from airegistry.errors import ProviderFailedError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta, FinishReason, TokenLogprob
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.streaming import StreamItem

_CHOICE_FIELDS: Final = frozenset(
    (
        "index",
        "delta",
        "message",
        "finish_reason",
        "native_finish_reason",
        "logprobs",
        "stop_reason",
        "matched_stop",
        "error",
    )
)
_MESSAGE_FIELDS: Final = frozenset(
    ("role", "content", "refusal", "annotations", "audio", "images", "tool_calls", "reasoning_content", "reasoning")
)


class Pieces:
    """What one choice has given so far. *message* is where its content stands: `delta`, or `message` of a whole answer."""

    def __init__(self, index: int, message: str, media_type: str) -> None:
        self.index = index
        self._message = message
        self._path = f"choices[{index}]"
        self._blocks: dict[object, int] = {}
        self._media_type = media_type
        self._calls: ToolCalls | None = None
        self._sound: Sound | None = None
        self._warned: set[str] = set()
        self._finish = ""
        self._upstream_finish = ""
        self._stop_sequence = ""

    @property
    def ended(self) -> bool:
        """Whether the choice has said why it ended."""
        return bool(self._finish)

    @property
    def speaking(self) -> int | None:
        """The number of the block of the choice's text; None when it has none yet, or has said why it ended."""
        return None if self._finish else self._blocks.get("text")

    @property
    def mended(self) -> bool:
        """Whether the choice's last appearance had tool calls without a number or an id."""
        return self._calls is not None and self._calls.mended

    def take(self, choice: Mapping[str, Any], answer_id: str) -> list[StreamItem]:
        """Take the next (or only) appearance of the choice and return what it adds, but for its end."""
        said = choice.get(self._message)
        if self._calls is not None:
            self._calls.mended = False
        items: list[StreamItem] = []
        if said is not None:
            message = reading.mapping(said, f"{self._path}.{self._message}")
            items.extend(self._content(message))
            if message.get("tool_calls") is not None:
                items.extend(self._tool_calls(message, answer_id))
            self._note(message, _MESSAGE_FIELDS, f"{self._path}.{self._message}", items)
        if logprobs := logprobs_of(choice, self._path):
            self._attach(logprobs, items)
        self._end_of(choice)
        self._note(choice, _CHOICE_FIELDS, self._path, items)
        return items

    def close(self) -> list[StreamItem]:
        """Return what is known only at the end; the last delta says why the choice ended."""
        if not self._finish:
            raise TruncatedAnswerError(f"{self._path} ended without a finish_reason")
        items: list[StreamItem] = []
        if self._calls is not None:
            self._calls.close(self._path)
        if self._sound is not None and (sound := self._sound.block()) is not None:
            items.append(self._whole("audio", sound))
        items.append(self._end())
        return items

    def _content(self, message: Mapping[str, Any]) -> Iterator[StreamItem]:
        thought = message.get("reasoning_content") or message.get("reasoning")
        if isinstance(thought, str) and thought:
            yield ChatDelta(self.index, self._block("thinking"), thinking=thought)
        content = message.get("content")
        if isinstance(content, str):
            if content:
                yield ChatDelta(self.index, self._block("text"), text=content)
        elif content is not None:
            yield from self._parts(reading.objects(message, "content", self._path))
        if message.get("refusal"):
            yield self._refusal(reading.text(message, "refusal", self._path))
        if message.get("annotations"):
            annotations = tuple(reading.objects(message, "annotations", self._path))
            yield self._whole("text", ContentBlock(text=TextBlock(annotations=annotations)))
        if message.get("audio") is not None:
            yield from self._heard(reading.nested(message, "audio", self._path), f"{self._path}.audio")
        for image in reading.objects(message, "images", self._path):
            url = reading.text(reading.nested(image, "image_url", self._path), "url", f"{self._path}.images")
            yield self._whole(object(), ContentBlock(image=image_of(url)))

    def _heard(self, audio: Mapping[str, Any], path: str) -> Iterator[StreamItem]:
        if self._sound is None:
            self._sound = Sound(self._media_type)
        self._sound.take(audio, path)
        # Before the words, so that a reader knows from the first one on that they are a transcript.
        if (identity := self._sound.news(audio, "id")) is not None:
            yield self._whole("transcript", identity)
        if transcript := reading.text(audio, "transcript", path):
            yield ChatDelta(self.index, self._block("transcript"), text=transcript)
        if (expiry := self._sound.news(audio, "expires_at")) is not None:
            yield self._whole("transcript", expiry)

    def _parts(self, parts: list[Mapping[str, Any]]) -> Iterator[StreamItem]:
        """Read content that comes in parts, as Mistral's does when it thinks."""
        for part in parts:
            match part.get("type"):
                case "text" | "output_text":
                    if said := reading.text(part, "text", self._path):
                        yield ChatDelta(self.index, self._block("text"), text=said)
                case "thinking":
                    thoughts = reading.objects(part, "thinking", self._path)
                    if thought := "".join(reading.text(t, "text", self._path) for t in thoughts):
                        yield ChatDelta(self.index, self._block("thinking"), thinking=thought)
                case "refusal":
                    yield self._refusal(reading.text(part, "refusal", self._path))
                case other:
                    yield from self._lost(f"{self._path}.{self._message}.content", f"parts of type {str(other)[:40]!r}")

    def _tool_calls(self, message: Mapping[str, Any], answer_id: str) -> Iterator[StreamItem]:
        if self._calls is None:
            self._calls = ToolCalls(self.index, self._blocks)
        for i, call in enumerate(reading.objects(message, "tool_calls", self._path)):
            index = i if self._message == "message" else None
            delta = self._calls.take(call, f"{self._path}.tool_calls[{i}]", index=index, answer_id=answer_id)
            if delta is not None:
                yield delta

    def _refusal(self, words: str) -> ChatDelta:
        return ChatDelta(self.index, self._block("refusal"), refusal=words)

    def _end_of(self, choice: Mapping[str, Any]) -> None:
        if choice.get("error") and (error := error_within(choice)) is not None:
            raise error
        # Some repeat it, or send it early; the last one counts, and it goes out with the end.
        self._finish = reading.text(choice, "finish_reason", self._path) or self._finish
        # OpenRouter translates the word into OpenAI's, and gives the original beside it.
        self._upstream_finish = reading.text(choice, "native_finish_reason", self._path) or self._upstream_finish
        for name in ("stop_reason", "matched_stop"):
            # vLLM and SGLang: the sequence, or the number of the token, that stopped the answer.
            if isinstance(choice.get(name), str):
                self._stop_sequence = choice[name]

    def _end(self) -> ChatDelta:
        reason = finish_reason_of(self._finish)
        if reason is None:
            raise ProviderFailedError("the provider ended its answer with an error")
        if reason is FinishReason.STOP and "refusal" in self._blocks:
            reason = FinishReason.REFUSAL
        return ChatDelta(
            self.index,
            self._last_block(),
            finish_reason=reason,
            upstream_finish_reason=self._upstream_finish or self._finish,
            stop_sequence=self._stop_sequence,
        )

    def _whole(self, key: object, block: ContentBlock) -> ChatDelta:
        return ChatDelta(self.index, self._block(key), block=block)

    def _block(self, key: object) -> int:
        """Return the index of the block for a kind of content, the next free one when it begins."""
        return self._blocks.setdefault(key, len(self._blocks))

    def _attach(self, logprobs: tuple[TokenLogprob, ...], items: list[StreamItem]) -> None:
        """Put log-probabilities to the words that they are of, or by themselves where no word is complete yet."""
        for i, item in enumerate(items):
            if isinstance(item, ChatDelta) and (item.text is not None or item.refusal is not None):
                items[i] = replace(item, logprobs=logprobs)
                return
        items.append(ChatDelta(self.index, self._last_block(), logprobs=logprobs))

    def _last_block(self) -> int:
        return max(len(self._blocks) - 1, 0)

    def _note(self, said: Mapping[str, Any], known: frozenset[str], path: str, items: list[StreamItem]) -> None:
        if said.keys() <= known:
            return
        for name in said.keys() - known:
            if said[name]:
                items.extend(self._lost(f"{path}.{name}", "this field"))

    def _lost(self, path: str, what: str) -> Iterator[FieldWarning]:
        path = path.replace(".delta", ".message")
        if path not in self._warned:
            self._warned.add(path)
            yield FieldWarning(path, f"{what} of the answer has no place in the canonical form")


def image_of(url: str) -> MediaBlock:
    """Return an image given by URL, its bytes when it is a `data:` URL."""
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return MediaBlock(url=url)
    media_type = head.removeprefix("data:").removesuffix(";base64")
    return MediaBlock(data=reading.base64_bytes(data, "an image"), media_type=media_type)
