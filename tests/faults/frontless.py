"""What providers put on the wire whose dialects no front of ours speaks: Gemini, Text Generation Inference, a declared format."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from airegistry.resources.endpoint import CustomFormat, StreamFraming
from tests import providers
from tests.faults.wires import EVENTS, TEXT, Trouble, Wire


def _google_error(code: int, status: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status}}


def _generated(text: str | None, **facts: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}, **facts}
    head = {"modelVersion": "served", "responseId": "up-1"}
    return {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 60}, **head}


GEMINI = Wire(
    dialect="gemini.generate_content",
    content_type=EVENTS,
    opening=providers.event_bytes(_generated("")),
    token=lambda word: providers.event_bytes(_generated(word)),
    closing=providers.event_bytes(_generated("", finishReason="STOP")),
    mark=b"",
    whole=lambda text: json.dumps(_generated(text, finishReason="STOP")).encode(),
    errors={
        Trouble.TOO_MANY: _google_error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
        Trouble.FAILED: _google_error(500, "INTERNAL", "An internal error has occurred."),
        Trouble.OVERLOADED: _google_error(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
        Trouble.TOO_LONG: _google_error(
            400,
            "INVALID_ARGUMENT",
            "The input token count (200001) exceeds the maximum number of tokens allowed (8192).",
        ),
        Trouble.PREFILL: _google_error(400, "INVALID_ARGUMENT", "Please ensure that the last turn is one of the user."),
        Trouble.BAD_KEY: _google_error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
        Trouble.NO_MODEL: _google_error(404, "NOT_FOUND", "models/served is not found for API version v1beta."),
    },
    error_inside=providers.event_bytes(_google_error(500, "INTERNAL", "An internal error has occurred.")),
    ping=b": ping\n\n",
    mark_needed=False,
    unfinished=b'data: {"candidates": [{"content": {"parts": [{"text": "',
    streamed=lambda peer: ":streamGenerateContent" in peer.path,
    blocked={"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "served", "responseId": "up-1"},
)


def _tgi_error(kind: str, message: str) -> dict[str, Any]:
    return {"error": message, "error_type": kind}


def _tgi_token(word: str, *, special: bool = False, **facts: Any) -> bytes:
    token = {"id": 1, "text": word, "logprob": -0.1, "special": special}
    return providers.event_bytes({"index": 1, "token": token, "generated_text": None, "details": None, **facts})


_TGI_DETAILS = {"finish_reason": "eos_token", "generated_tokens": 60, "seed": None, "input_length": 10}
TGI = Wire(
    dialect="tgi.generate",
    content_type=EVENTS,
    opening=b"",
    token=_tgi_token,
    closing=b"",
    mark=_tgi_token("</s>", special=True, generated_text=TEXT, details=_TGI_DETAILS),
    whole=lambda text: json.dumps({"generated_text": text, "details": _TGI_DETAILS}).encode(),
    errors={
        Trouble.TOO_MANY: {"error": "Rate limit reached. Please log in or use a HF access token"},
        Trouble.FAILED: _tgi_error("incomplete_generation", "Incomplete generation"),
        Trouble.OVERLOADED: _tgi_error("healthcheck", "unhealthy"),
        Trouble.TOO_LONG: _tgi_error(
            "validation",
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8192. Given: 8000 `inputs` tokens "
            "and 512 `max_new_tokens`",
        ),
        Trouble.FILTERED: _tgi_error("validation", "The prompt was stopped by the content filter"),
        Trouble.PREFILL: _tgi_error("template_error", "Template error: Conversation roles must alternate"),
        Trouble.BAD_KEY: {"error": "Invalid credentials in Authorization header"},
        Trouble.NO_MODEL: {"error": "Model served does not exist"},
    },
    error_inside=providers.event_bytes(_tgi_error("generation", "Request failed during generation: Server error")),
    ping=b": \n\n",
    unfinished=b'data: {"token": {"id": 1, "text": "',
    streamed=lambda peer: peer.path.endswith("/generate_stream"),
    statuses={Trouble.TOO_LONG: 422, Trouble.FILTERED: 422, Trouble.PREFILL: 422},
)


def _failing(kind: str, message: str) -> dict[str, Any]:
    return {"failed": {"why": kind, "words": message}}


def _said(text: str, **facts: Any) -> dict[str, Any]:
    return {"said": {"text": text, **facts}}


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


_DECLARED = CustomFormat(
    request_template='{"turns": {{ messages | tojson }}, "stream": {{ stream | tojson }}}',
    response_paths={"text": "said.text", "finish_reason": "said.ended"},
    stream_paths={"text": "said.text", "finish_reason": "said.ended"},
    stream_framing=StreamFraming.SSE,
    stream_end="[OVER]",
    error_paths={"error": "failed", "message": "failed.words", "code": "failed.why"},
    error_reasons={"TOO_MANY_WORDS": "CONTEXT_LENGTH_EXCEEDED", "RUDE": "CONTENT_REFUSED"},
)
CUSTOM = Wire(
    dialect="custom",
    content_type=EVENTS,
    opening=b"",
    token=lambda word: providers.event_bytes(_said(word)),
    closing=providers.event_bytes(_said("", ended="done")),
    mark=providers.event_bytes(b"[OVER]"),
    whole=lambda text: json.dumps(_said(text, ended="done")).encode(),
    errors={
        Trouble.TOO_MANY: _failing("SLOW_DOWN", "not so fast"),
        Trouble.FAILED: _failing("BROKEN", "it broke"),
        Trouble.OVERLOADED: _failing("BUSY", "there are too many of you"),
        Trouble.TOO_LONG: _failing("TOO_MANY_WORDS", "that is more than I can hold"),
        Trouble.FILTERED: _failing("RUDE", "not with me"),
        Trouble.PREFILL: _failing("NO_PREFILL", "you are to speak last"),
        Trouble.BAD_KEY: _failing("WHO_ARE_YOU", "I do not know you"),
        Trouble.NO_MODEL: _failing("WHO_IS_THAT", "nobody of that name"),
    },
    error_inside=providers.event_bytes(_failing("BROKEN", "it broke")),
    ping=b": ping\n\n",
    mark_needed=False,
    unfinished=b'data: {"said": {"text": "',
    custom=_DECLARED,
)
CUSTOM_LINES = replace(
    CUSTOM,
    content_type="application/x-ndjson",
    token=lambda word: _line(_said(word)),
    closing=b"",
    mark=_line(_said("", ended="done")),
    error_inside=_line(_failing("BROKEN", "it broke")),
    ping=b"\n",
    mark_needed=True,
    unfinished=b'{"said": {"text": "',
    malformed=b'{"said": nonsense}\n',
    custom=replace(_DECLARED, stream_framing=StreamFraming.NDJSON, stream_end=""),
    variant="lines",
)
FRONTLESS = (GEMINI, TGI, CUSTOM, CUSTOM_LINES)
