"""The JSON that clients get: pure functions from what was written to OpenAI's shapes."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from demo_backend.cards import CHAT, EMBEDDING, OWNER, ModelCard

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from demo_backend.chat import Answer, Choice
    from demo_backend.stops import Token

DONE = b"data: [DONE]\n\n"


def json_bytes(value: object) -> bytes:
    """Encode *value*; ASCII only, because a request may carry half of a surrogate pair back to its sender."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def event(value: object) -> bytes:
    """Encode *value* as one server-sent event."""
    return b"data: " + json_bytes(value) + b"\n\n"


def model(card: ModelCard, created: int) -> dict[str, Any]:
    """Return a model as the list of models shows it."""
    return {
        "id": card.id,
        "object": "model",
        "created": created,
        "owned_by": OWNER,
        "task": card.task,
        "context_window": card.context_window,
        "description": card.description,
    }


class ChatReply:
    """The frame of one answer: its id and time, around what its choices wrote."""

    def __init__(self, answer: Answer, *, id_: str, created: int) -> None:
        self._answer = answer
        self._frame = {
            "id": id_,
            "created": created,
            "model": CHAT.id,
            "system_fingerprint": answer.fingerprint,
        }

    def whole(self, written: Sequence[Sequence[Token]]) -> dict[str, Any]:
        """Return the answer of a unary call from the tokens of each choice."""
        choices = [
            {
                "index": choice.index,
                "message": {"role": "assistant", "content": _text(tokens), "refusal": None},
                "logprobs": self._logprobs(tokens),
                "finish_reason": choice.finish_reason,
            }
            for choice, tokens in zip(self._answer.choices, written, strict=True)
        ]
        return {
            **self._frame,
            "object": "chat.completion",
            "choices": choices,
            "usage": self._usage(),
        }

    def opening(self, choice: Choice) -> bytes:
        """Return the chunk that says whose turn it is."""
        return self._chunk([self._delta(choice, {"role": "assistant", "content": ""})])

    def tokens(self, choice: Choice, tokens: Sequence[Token]) -> bytes:
        """Return a chunk of text."""
        return self._chunk([self._delta(choice, {"content": _text(tokens)}, self._logprobs(tokens))])

    def ending(self, choice: Choice) -> bytes:
        """Return the chunk that says why a choice ended."""
        return self._chunk([self._delta(choice, {}) | {"finish_reason": choice.finish_reason}])

    def usage(self) -> bytes:
        """Return the chunk that follows the last choice when usage was asked for."""
        return self._chunk([], usage=self._usage())

    def _chunk(self, choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> bytes:
        chunk: dict[str, Any] = {
            **self._frame,
            "object": "chat.completion.chunk",
            "choices": choices,
        }
        if self._answer.request.include_usage:
            chunk["usage"] = usage
        return event(chunk)

    def _delta(self, choice: Choice, delta: dict[str, str], logprobs: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"index": choice.index, "delta": delta, "logprobs": logprobs, "finish_reason": None}

    def _logprobs(self, tokens: Sequence[Token]) -> dict[str, Any] | None:
        if self._answer.request.top_logprobs is None:
            return None
        content = [
            _logprob(token.text, token.logprob)
            | {"top_logprobs": [_logprob(text, logprob) for text, logprob in token.likeliest]}
            for token in tokens
        ]
        return {"content": content, "refusal": None}

    def _usage(self) -> dict[str, int]:
        prompt, completion = self._answer.prompt_tokens, self._answer.completion_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }


def embeddings(vectors: Sequence[npt.NDArray[np.float64]], tokens: int, *, as_base64: bool) -> dict[str, Any]:
    """Return the answer to an embeddings request; base64 holds little-endian 32-bit floats."""
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _base64(vector) if as_base64 else vector.tolist(),
        }
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": EMBEDDING.id, "usage": usage}


def _base64(vector: npt.NDArray[np.float64]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def _text(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


def _logprob(text: str, logprob: float) -> dict[str, Any]:
    # JSON has no minus infinity; OpenAI writes this number for "practically never".
    return {"token": text, "logprob": max(logprob, -9999.0), "bytes": list(text.encode())}
