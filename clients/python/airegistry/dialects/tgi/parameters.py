"""How to generate, as the `parameters` of Text Generation Inference."""

from __future__ import annotations

from typing import Any, Final

from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Reasoning, ResponseFormat, ResponseFormatKind
from airegistry.invocations.invocation import Warning as FieldWarning

_CANONICAL: Final = frozenset(
    [
        "details",
        "decoder_input_details",
        "return_full_text",
        "max_new_tokens",
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "stop",
        "frequency_penalty",
        "grammar",
        "top_n_tokens",
    ]
)
_PASSED: Final = frozenset(
    ["adapter_id", "best_of", "do_sample", "repetition_penalty", "truncate", "typical_p", "watermark"]
)
"""Parameters without a place in the canonical request, which `extra` may have."""


def parameters_of(request: ChatRequest) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return the parameters, and what could not be expressed in them.

    Raises UnsupportedFieldError for what would change the question if it were left out.
    """
    _refuse(request)
    fields: dict[str, Any] = {
        "details": True,
        "decoder_input_details": False,
        "return_full_text": False,
        "max_new_tokens": request.max_output_tokens,
        "stop": list(request.stop_sequences) or None,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "top_n_tokens": request.top_logprobs or None,
        "grammar": _grammar(request.response_format),
        **_sampling(request),
        **{name: value for name, value in (request.extra or {}).items() if name in _PASSED},
    }
    return {name: value for name, value in fields.items() if value is not None}, _unsaid(request)


def _sampling(request: ChatRequest) -> dict[str, Any]:
    """Return how to draw. The server takes neither a temperature of 0 nor a `top_p` of 0 or 1: it draws only when told to.

    Either 0 asks for the likeliest token each time, which is what it does by itself; a `top_p` of 1 cuts nothing off.
    """
    if request.temperature == 0 or request.top_p == 0:
        return {"do_sample": False}
    top_p = None if request.top_p == 1 else request.top_p
    return {"temperature": request.temperature, "top_p": top_p, "top_k": request.top_k}


def _grammar(form: ResponseFormat | None) -> dict[str, Any] | None:
    if form is None or form.kind is ResponseFormatKind.TEXT:
        return None
    if form.kind is ResponseFormatKind.JSON_OBJECT:
        raise UnsupportedFieldError.of("chat.response_format", "this format takes a JSON schema, not JSON as such")
    return {"type": "json", "value": dict(form.json_schema or {})}


def _refuse(request: ChatRequest) -> None:
    if (request.choice_count or 1) > 1:
        raise UnsupportedFieldError.of("chat.choice_count", "this format gives one answer")
    if request.tools:
        raise UnsupportedFieldError.of("chat.tools", "this format has no tools")
    if request.seed is not None and request.seed < 0:
        raise UnsupportedFieldError.of("chat.seed", "must not be negative in this format")
    for i, modality in enumerate(request.output_modalities):
        if modality != "text":
            raise UnsupportedFieldError.of(f"chat.output_modalities[{i}]", "this format answers in text")
    for name in sorted((request.extra or {}).keys() & _CANONICAL):
        raise InvalidArgumentError.of(f"chat.extra.{name}", "repeats a field of the request itself")


def _unsaid(request: ChatRequest) -> list[FieldWarning]:
    extra = sorted((request.extra or {}).keys() - _PASSED)
    lost = {
        "presence_penalty": "this format has a frequency penalty only; not sent",
        "user": "this format has no field for it; not sent",
    }
    warnings = [FieldWarning(f"chat.{name}", message) for name, message in lost.items() if getattr(request, name)]
    if (request.reasoning or Reasoning()) != Reasoning():
        warnings.append(FieldWarning("chat.reasoning", "this format does not know of thoughts; not sent"))
    unknown = [FieldWarning(f"chat.extra.{name}", "this format has no such parameter; not sent") for name in extra]
    return [*warnings, *unknown]
