"""How to sample, and how to run the model, as Ollama's `options`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import ChatRequest

RUNTIME: Final = frozenset(
    [
        "num_ctx",
        "num_batch",
        "num_gpu",
        "main_gpu",
        "num_thread",
        "num_keep",
        "numa",
        "low_vram",
        "use_mmap",
        "use_mlock",
        "draft_num_predict",
        "min_p",
        "typical_p",
        "tfs_z",
        "repeat_last_n",
        "repeat_penalty",
        "penalize_newline",
        "mirostat",
        "mirostat_tau",
        "mirostat_eta",
    ]
)
"""Options without a place in the canonical request; `extra` may name them beside `options`, or inside of it."""

_CANONICAL: Final[Mapping[str, str]] = {
    "num_predict": "max_output_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}


def options_of(request: ChatRequest) -> dict[str, Any]:
    """Return the options of a request: its own fields, then those of its `extra`."""
    options = {name: value for name, field in _CANONICAL.items() if (value := getattr(request, field)) is not None}
    if request.stop_sequences:
        options["stop"] = list(request.stop_sequences)
    extra = request.extra or {}
    options.update({name: extra[name] for name in RUNTIME & extra.keys()})
    for name, value in _given(extra).items():
        if name in _CANONICAL or name == "stop":
            raise InvalidArgumentError.of(f"chat.extra.options.{name}", "repeats a field of the request itself")
        options[name] = value
    return options


def _given(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    given = extra.get("options")
    if given is None or isinstance(given, dict):
        return given or {}
    raise InvalidArgumentError.of("chat.extra.options", "must be an object")
