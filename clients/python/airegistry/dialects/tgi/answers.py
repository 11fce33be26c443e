"""Answers of Text Generation Inference: the tokens of a stream, or the text that they make up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.errors import error_within
from airegistry.dialects.events.sse import SSEvent
from airegistry.dialects.tgi.stops import Stops
from airegistry.errors import MalformedAnswerError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta, ChatRequest, FinishReason, TokenLogprob
from airegistry.invocations.streaming import ExtraSeen, StreamItem, StreamStarted, UsageSeen
from airegistry.invocations.usage import Usage

_FINISH_REASONS: Final = {
    "length": FinishReason.LENGTH,
    "eos_token": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
}


class Tokens:
    """Reads the tokens of one answer. Special ones (end of text) are no part of it."""

    def __init__(self, request: ChatRequest) -> None:
        self._logprobs = request.top_logprobs is not None
        self._stops = Stops(request.stop_sequences)
        self._begun = False
        self._details: Mapping[str, Any] | None = None

    @property
    def over(self) -> bool:
        """Whether the last token came: it has the details of the whole."""
        return self._details is not None

    @property
    def ending(self) -> bool:
        """Whether the token taken last is the last one."""
        return self.over

    @property
    def mended(self) -> bool:
        """Nothing is: an answer of this format is never passed on as it came."""
        return False

    def take(self, event: SSEvent) -> list[StreamItem]:
        """Take one event and return what it adds, but for the end."""
        value = reading.mapping(reading.json_of(event.data, "a streamed item"), "a streamed item")
        if (error := error_within(value)) is not None:
            raise error
        items = self._start()
        if value.get("token") is not None:
            items.extend(self._token(value))
        if value.get("details") is not None:
            self._details = reading.nested(value, "details", "answer")
        return items

    def whole(self, answer: Mapping[str, Any]) -> list[StreamItem]:
        """Take a whole answer and return what it says, but for the end."""
        if (error := error_within(answer)) is not None:
            raise error
        if "generated_text" not in answer:
            raise MalformedAnswerError("the answer has no generated_text")
        self._details = reading.nested(answer, "details", "answer")
        tokens = reading.objects(self._details, "tokens", "details") if self._logprobs else []
        tops = reading.items(self._details, "top_tokens", "details") if self._logprobs else []
        logprobs = tuple(
            _logprob(token, tops[i] if i < len(tops) else None)
            for i, token in enumerate(tokens)
            if not token.get("special")
        )
        text = self._stops.feed(reading.text(answer, "generated_text", "answer"))
        return [*self._start(), *_said(text, logprobs)]

    def close(self) -> list[StreamItem]:
        """Return how the answer ended. Raises TruncatedAnswerError when it did not."""
        if self._details is None:
            raise TruncatedAnswerError("the answer ended without the details of its last token")
        reason = reading.text(self._details, "finish_reason", "details")
        rest, sequence = self._stops.close(stopped=reason == "stop_sequence")
        items: list[StreamItem] = [*_said(rest, ())]
        if (usage := _usage(self._details)) is not None:
            items.append(UsageSeen(usage))
        finish = _FINISH_REASONS.get(reason, FinishReason.OTHER)
        items.append(ChatDelta(finish_reason=finish, upstream_finish_reason=reason, stop_sequence=sequence))
        if self._details.get("seed") is not None:
            items.append(ExtraSeen({"seed": self._details["seed"]}))
        return items

    def _start(self) -> list[StreamItem]:
        if self._begun:
            return []
        self._begun = True
        return [StreamStarted()]

    def _token(self, value: Mapping[str, Any]) -> list[ChatDelta]:
        token = reading.nested(value, "token", "answer")
        if token.get("special"):
            return []
        logprobs = (_logprob(token, value.get("top_tokens")),) if self._logprobs else ()
        return _said(self._stops.feed(reading.text(token, "text", "token")), logprobs)


def items_of(body: bytes, request: ChatRequest) -> list[StreamItem]:
    """Return a whole answer as the items that it would have streamed."""
    value = reading.json_of(body, "the answer")
    # The route `/` answers with a list of one.
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    tokens = Tokens(request)
    items = tokens.whole(reading.mapping(value, "the answer"))
    return [*items, *tokens.close()]


def _said(text: str, logprobs: tuple[TokenLogprob, ...]) -> list[ChatDelta]:
    if text:
        return [ChatDelta(text=text, logprobs=logprobs)]
    return [ChatDelta(logprobs=logprobs)] if logprobs else []


def _logprob(token: Mapping[str, Any], top: Any) -> TokenLogprob:
    others = top if isinstance(top, list) else []
    return TokenLogprob(
        reading.text(token, "text", "token"),
        float(reading.number(token, "logprob", "token") or 0.0),
        top=tuple(_logprob(reading.mapping(one, "top_tokens"), None) for one in others),
    )


def _usage(details: Mapping[str, Any]) -> Usage | None:
    """Return what was counted. Whole answers leave the prompt's count to a header, or to its tokens if asked for them."""
    prompt = reading.count(details, "input_length", "details")
    if prompt is None:
        prompt = len(reading.objects(details, "prefill", "details")) or None
    answered = reading.count(details, "generated_tokens", "details")
    if prompt is None and answered is None:
        return None
    return Usage(input_tokens=prompt, output_tokens=answered)
