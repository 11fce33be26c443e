"""Answers as the Ollama front writes them, whole and line by line."""

import json
from datetime import UTC, datetime

from airegistry.invocations.chat import ChatChoice, ChatResponse, FinishReason, Message, Role
from airegistry.invocations.invocation import InvokeEvent, Settlement, StreamEnd
from airegistry.invocations.usage import Usage
from gateway.fronts.ollama.lines import Lines
from gateway.fronts.ollama.responses import Envelope, chat_body

NOW = datetime(2026, 5, 14, 9, 31, 7, 250_000, tzinfo=UTC)
ENVELOPE = Envelope("m", lambda: NOW)
PROMPT = Envelope("m", lambda: NOW, generates=True)
SETTLED = Settlement(
    target="models/m/endpoints/a",
    usage=Usage(input_tokens=5, cache_read_tokens=3, output_tokens=4, reasoning_tokens=2),
    time_to_first_token=0.25,
    duration=1.0,
)
ACCOUNT = {"target": "models/m/endpoints/a", "attempts": 0}
ENDING = {
    "done": True,
    "total_duration": 1_000_000_000,
    "prompt_eval_duration": 250_000_000,
    "eval_duration": 750_000_000,
    "prompt_eval_count": 8,
    "eval_count": 6,
    "airegistry": ACCOUNT,
}
HEAD = {"model": "m", "created_at": "2026-05-14T09:31:07.250000Z"}


def answer(*blocks, reason=FinishReason.STOP, extra=None, **choice):
    message = Message(Role.ASSISTANT, blocks)
    return ChatResponse((ChatChoice(0, message, reason, **choice),), extra=extra)


def whole(*blocks, settlement=SETTLED, envelope=ENVELOPE, **fields):
    return json.loads(chat_body(answer(*blocks, **fields), settlement, envelope))


def streamed(*deltas, settlement=SETTLED, envelope=ENVELOPE, warnings=(), extra=None):
    lines = Lines(envelope, warnings)
    wire = b"".join(lines.write([InvokeEvent(chat_delta=delta)]) for delta in deltas)
    wire += lines.write([InvokeEvent(end=StreamEnd(settlement, extra))])
    return [json.loads(line) for line in wire.splitlines()]
