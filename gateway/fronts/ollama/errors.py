"""Our errors as Ollama's: a status and `{"error": "…"}`, on a line of its own in the middle of an answer.

Beside it stands our reason: Ollama's own clients do not look at it, and programs need not guess from the words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import orjson

from airegistry.errors import InternalError, InvalidArgumentError, RegistryError
from gateway.fronts.errors import ErrorAnswer, error_headers, status_of

# Canonical paths as the caller knows them.
_PREFIX: Final = re.compile(r"^(?:invocation\.)?(?:chat|embeddings)\.")
_NAMES: Final[Mapping[str, str]] = {
    "max_output_tokens": "options.num_predict",
    "temperature": "options.temperature",
    "top_p": "options.top_p",
    "top_k": "options.top_k",
    "seed": "options.seed",
    "stop_sequences": "options.stop",
    "presence_penalty": "options.presence_penalty",
    "frequency_penalty": "options.frequency_penalty",
    "response_format": "format",
    "reasoning": "think",
    "inputs": "input",
}


_WHOLE: Final = frozenset({"reasoning", "response_format"})
"""Objects here that are one value for the caller."""

_INPUT: Final = re.compile(r"^(inputs\[\d+\])\.(?:text|token_ids)\b.*")
"""What is to be embedded, likewise."""


def error_answer(error: Exception) -> ErrorAnswer:
    """Return the answer that reports an error. One that is not of ours says nothing but that it happened."""
    ours = error if isinstance(error, RegistryError) else InternalError("internal error")
    return ErrorAnswer(status_of(ours), error_body(ours), error_headers(ours))


def error_body(error: RegistryError) -> bytes:
    """Return the JSON of an error."""
    return orjson.dumps({"error": _message(error), "reason": error.reason})


def _message(error: RegistryError) -> str:
    violations = error.violations if isinstance(error, InvalidArgumentError) else ()
    if not violations:
        return error.message
    return "; ".join(f"{_path(violation.field)}: {violation.description}" for violation in violations)


def _path(field: str) -> str:
    path = _PREFIX.sub("", field, count=1)
    if path == field:
        return field
    path = _INPUT.sub(r"\1", path)
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    if first in _WHOLE:
        return _NAMES[first]
    return _NAMES.get(first, first) + path[len(first) :]
