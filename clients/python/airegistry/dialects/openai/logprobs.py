"""Log-probabilities of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airegistry.dialects import reading
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.chat import TokenLogprob


def logprobs_of(choice: Mapping[str, Any], path: str) -> tuple[TokenLogprob, ...]:
    """Return the log-probabilities of a choice: of its content, then of its refusal."""
    if choice.get("logprobs") is None:
        return ()
    said = reading.nested(choice, "logprobs", path)
    path = f"{path}.logprobs"
    tokens = [*reading.objects(said, "content", path), *reading.objects(said, "refusal", path)]
    return tuple(_token(token, path) for token in tokens)


def _token(token: Mapping[str, Any], path: str) -> TokenLogprob:
    text = reading.text(token, "token", path)
    logprob = reading.number(token, "logprob", path)
    if logprob is None:
        raise MalformedAnswerError(f"{path}: a token has no logprob")
    top = tuple(_token(other, path) for other in reading.objects(token, "top_logprobs", path))
    return TokenLogprob(text, float(logprob), _bytes_beyond(token.get("bytes"), text, path), top)


def _bytes_beyond(said: Any, text: str, path: str) -> bytes:
    """Return the token's bytes where they are not just its text."""
    if said is None:
        return b""
    try:
        exact = bytes(said)
    except (TypeError, ValueError) as error:
        raise MalformedAnswerError(f"{path}: the bytes of a token are not bytes") from error
    return b"" if exact == text.encode() else exact
