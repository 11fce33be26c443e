"""What a provider of each dialect puts on the wire: its answers, whole and streamed, and its errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, CustomFormat
from tests import providers
from tests.providers import Peer

WORDS = tuple(f" t{i}" for i in range(60))
"""The tokens of a whole answer."""
TEXT = "".join(WORDS)
JSON = "application/json"
EVENTS = "text/event-stream"


class Trouble(Enum):
    """What an error body is about."""

    TOO_MANY = auto()
    FAILED = auto()
    OVERLOADED = auto()
    TOO_LONG = auto()
    FILTERED = auto()
    PREFILL = auto()
    BAD_KEY = auto()
    NO_MODEL = auto()


STATUSES = {
    Trouble.TOO_MANY: 429,
    Trouble.FAILED: 500,
    Trouble.OVERLOADED: 503,
    Trouble.TOO_LONG: 400,
    Trouble.FILTERED: 400,
    Trouble.PREFILL: 400,
    Trouble.BAD_KEY: 401,
    Trouble.NO_MODEL: 404,
}


def _told_in_the_body(peer: Peer) -> bool:
    return bool(peer.body.get("stream"))


@dataclass(frozen=True)
class Wire:
    """A dialect as its providers speak it. A stream is *opening*, one *token* after the other, *closing*, *mark*."""

    dialect: str
    content_type: str
    opening: bytes
    token: Callable[[str], bytes]
    closing: bytes
    """All that comes after the last token, but for the mark."""
    mark: bytes
    """What says that the answer is over."""
    whole: Callable[[str], bytes]
    errors: Mapping[Trouble, Any]
    error_inside: bytes
    """A failure in the middle of a stream."""
    ping: bytes
    """What keeps a connection awake and says nothing."""
    mark_needed: bool = True
    """Whether an answer without the mark is not whole."""
    unfinished: bytes = field(default=b"")
    """The beginning of an item that never ends."""
    malformed: bytes = b'data: {"id": nonsense}\n\n'
    """An item that is none."""
    streamed: Callable[[Peer], bool] = _told_in_the_body
    """Whether a request asks for a stream."""
    statuses: Mapping[Trouble, int] = field(default_factory=dict)
    """Where they are other ones than most providers have."""
    blocked: Mapping[str, Any] | None = None
    """What comes in the place of an answer to a filtered prompt, where that is no error."""
    custom: CustomFormat | None = None
    """The format, where it is the endpoint that declares it."""
    variant: str = ""
    """What tells it from another of the same dialect."""

    @property
    def id(self) -> str:
        """What it is called in the name of a test."""
        return f"{self.dialect}-{self.variant}" if self.variant else self.dialect

    @property
    def communication(self) -> Communication:
        """How an endpoint says that it speaks this."""
        return Communication(dialect=self.dialect, auth=Auth(AuthMethod.NONE), custom=self.custom)

    def tokens(self, words: Sequence[str]) -> bytes:
        return b"".join(map(self.token, words))

    def stream(self, words: Sequence[str] = WORDS) -> bytes:
        return self.opening + self.tokens(words) + self.closing + self.mark

    def error(self, trouble: Trouble) -> bytes:
        return json.dumps(self.errors[trouble]).encode()

    async def answer(self, peer: Peer) -> None:
        """Answer as a healthy provider does."""
        if self.streamed(peer):
            await self.head(peer)
            await peer.send(self.stream())
        else:
            await peer.reply(200, self.whole(TEXT))

    async def head(self, peer: Peer) -> None:
        await peer.head(200, {"content-type": self.content_type})

    async def some(self, peer: Peer, count: int) -> None:
        """Begin a stream, and send that many of its tokens."""
        await self.head(peer)
        await peer.send(self.opening + self.tokens(WORDS[:count]))

    async def refuse(self, peer: Peer, trouble: Trouble, headers: Mapping[str, str] | None = None) -> None:
        if trouble is Trouble.FILTERED and self.blocked is not None:
            await peer.reply(200, json.dumps(self.blocked).encode(), headers)
        else:
            await peer.reply(self.statuses.get(trouble, STATUSES[trouble]), self.error(trouble), headers)


def _openai_error(message: str, kind: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _plain(value: Mapping[str, Any], name: str = "") -> bytes:
    """Return a server-sent event, with its name when it has one."""
    return (f"event: {name}\n".encode() if name else b"") + providers.event_bytes(value)


def _named(value: Mapping[str, Any]) -> bytes:
    return _plain(value, value["type"])


_OPENAI_ERRORS = {
    Trouble.TOO_MANY: _openai_error("Rate limit reached for served", "requests", "rate_limit_exceeded"),
    Trouble.FAILED: _openai_error("The server had an error", "server_error"),
    Trouble.OVERLOADED: _openai_error("The engine is currently overloaded", "server_error"),
    Trouble.TOO_LONG: _openai_error(
        "This model's maximum context length is 8192 tokens.", "invalid_request_error", "context_length_exceeded"
    ),
    Trouble.FILTERED: _openai_error("The response was filtered", "invalid_request_error", "content_filter"),
    Trouble.PREFILL: _openai_error("The last message must not be of the assistant.", "invalid_request_error"),
    Trouble.BAD_KEY: _openai_error("Incorrect API key provided", "invalid_request_error", "invalid_api_key"),
    Trouble.NO_MODEL: _openai_error("The model does not exist", "invalid_request_error", "model_not_found"),
}
_OPENAI_USAGE = {"prompt_tokens": 10, "completion_tokens": 60, "total_tokens": 70}


def _openai_whole(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    answer = {"id": "up-1", "object": "chat.completion", "created": 1, "model": "served", "usage": _OPENAI_USAGE}
    return json.dumps({**answer, "choices": [choice]}).encode()


OPENAI_CHAT = Wire(
    dialect="openai.chat",
    content_type=EVENTS,
    opening=_plain(providers.chunk({"role": "assistant", "content": ""})),
    token=lambda word: _plain(providers.chunk({"content": word})),
    closing=_plain(providers.chunk({}, "stop"))
    + _plain({**providers.chunk({}), "choices": [], "usage": _OPENAI_USAGE}),
    mark=providers.event_bytes(b"[DONE]"),
    whole=_openai_whole,
    errors=_OPENAI_ERRORS,
    error_inside=_plain(_openai_error("the engine crashed", "server_error")),
    ping=b": ping\n\n",
    mark_needed=False,
    unfinished=b'data: {"id": "up-1", "choices": [{"index": 0, "delta": {"content": "',
)


def _anthropic_error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def _anthropic_message(text: str | None, usage: Mapping[str, int], stop: str | None) -> dict[str, Any]:
    content = [] if text is None else [{"type": "text", "text": text}]
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "served"}
    return {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": usage}


def _anthropic_delta(word: str) -> bytes:
    return _named({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}})


_ANTHROPIC_STOP = {"stop_reason": "end_turn", "stop_sequence": None}
ANTHROPIC_MESSAGES = Wire(
    dialect="anthropic.messages",
    content_type=EVENTS,
    opening=_named(
        {"type": "message_start", "message": _anthropic_message(None, {"input_tokens": 10, "output_tokens": 1}, None)}
    )
    + _named({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    token=_anthropic_delta,
    closing=_named({"type": "content_block_stop", "index": 0})
    + _named({"type": "message_delta", "delta": _ANTHROPIC_STOP, "usage": {"output_tokens": 60}}),
    mark=_named({"type": "message_stop"}),
    whole=lambda text: json.dumps(
        _anthropic_message(text, {"input_tokens": 10, "output_tokens": 60}, "end_turn")
    ).encode(),
    errors={
        Trouble.TOO_MANY: _anthropic_error("rate_limit_error", "Number of requests has exceeded your rate limit"),
        Trouble.FAILED: _anthropic_error("api_error", "Internal server error"),
        Trouble.OVERLOADED: _anthropic_error("overloaded_error", "Overloaded"),
        Trouble.TOO_LONG: _anthropic_error(
            "invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"
        ),
        Trouble.FILTERED: _anthropic_error("invalid_request_error", "Output blocked by content filtering policy"),
        Trouble.PREFILL: _anthropic_error(
            "invalid_request_error",
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ),
        Trouble.BAD_KEY: _anthropic_error("authentication_error", "invalid x-api-key"),
        Trouble.NO_MODEL: _anthropic_error("not_found_error", "model: served"),
    },
    error_inside=_named(_anthropic_error("api_error", "Internal server error")),
    ping=_named({"type": "ping"}),
    unfinished=b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, "delta": {"text": "',
)


def _response(status: str, text: str | None = None, **facts: Any) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "served", "status": status}
    nothing: dict[str, Any] = {
        "error": None,
        "incomplete_details": None,
        "usage": None,
        "tools": [],
        "tool_choice": "auto",
    }
    return {**head, **nothing, "output": [] if text is None else [item], **facts}


_RESPONSES_USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 60,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 70,
}
_ITEM: dict[str, Any] = {"type": "message", "id": "msg_1", "role": "assistant"}
_PART = {"type": "output_text", "text": "", "annotations": []}
_DONE_PART = {**_PART, "text": TEXT}
_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_COMPLETED = _response("completed", TEXT, usage=_RESPONSES_USAGE)

OPENAI_RESPONSES = Wire(
    dialect="openai.responses",
    content_type=EVENTS,
    opening=_named({"type": "response.created", "response": _response("in_progress")})
    + _named(
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**_ITEM, "status": "in_progress", "content": []},
        }
    )
    + _named({"type": "response.content_part.added", **_PLACE, "part": _PART}),
    token=lambda word: _named({"type": "response.output_text.delta", **_PLACE, "delta": word}),
    closing=_named({"type": "response.output_text.done", **_PLACE, "text": TEXT})
    + _named({"type": "response.content_part.done", **_PLACE, "part": _DONE_PART})
    + _named(
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**_ITEM, "status": "completed", "content": [_DONE_PART]},
        }
    ),
    mark=_named({"type": "response.completed", "response": _COMPLETED}),
    whole=lambda text: json.dumps(_response("completed", text, usage=_RESPONSES_USAGE)).encode(),
    errors=_OPENAI_ERRORS,
    error_inside=_named({"type": "error", "code": "server_error", "message": "the engine crashed", "param": None}),
    ping=b": ping\n\n",
    unfinished=b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": "',
)


def _line(text: str, **facts: Any) -> bytes:
    message = {"role": "assistant", "content": text}
    head = {"model": "served", "created_at": "2026-01-01T00:00:00.5Z", "message": message, "done": False}
    return json.dumps({**head, **facts}).encode() + b"\n"


_COUNTED = {"total_duration": 9_000_000, "prompt_eval_count": 10, "eval_count": 60, "eval_duration": 5_000_000}
OLLAMA_CHAT = Wire(
    dialect="ollama.chat",
    content_type="application/x-ndjson",
    opening=b"",
    token=_line,
    closing=b"",
    mark=_line("", done=True, done_reason="stop", **_COUNTED),
    whole=lambda text: _line(text, done=True, done_reason="stop", **_COUNTED),
    errors={
        Trouble.TOO_MANY: {"error": "too many requests"},
        Trouble.FAILED: {"error": "llama runner process has terminated"},
        Trouble.OVERLOADED: {"error": "server busy, please try again. maximum pending requests exceeded"},
        Trouble.TOO_LONG: {"error": "the input length exceeds the context length"},
        Trouble.FILTERED: {"error": "the request was refused by the content filter"},
        Trouble.PREFILL: {"error": "the last message must not be of the assistant"},
        Trouble.BAD_KEY: {"error": "unauthorized"},
        Trouble.NO_MODEL: {"error": "model 'served' not found"},
    },
    error_inside=b'{"error": "llama runner process has terminated"}\n',
    ping=b"\n",
    unfinished=b'{"model": "served", "message": {"role": "assistant", "content": "',
    malformed=b'{"model": nonsense}\n',
)

WIRES = {wire.dialect: wire for wire in (OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES, OLLAMA_CHAT)}
"""Of the dialects that have a front, by their names."""
