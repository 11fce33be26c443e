"""A prompt, or texts, and settings, as tensors and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from airegistry.dialects.inference import InferRequest, Parameter, Tensor, packed
from airegistry.dialects.kserve.names import Names
from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.invocation import Warning as FieldWarning

SETTINGS: Final = (
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "seed",
    "presence_penalty",
    "frequency_penalty",
)
_WANTED: Final = ("exclude_input", "want.finish_reason", "want.input_tokens", "want.output_tokens")


class RequestWriter:
    """Writes one request, and collects in `warnings` what could not be written."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._tensors: list[Tensor] = []
        self._parameters: dict[str, Parameter] = {}
        self.warnings: list[FieldWarning] = []

    def chat(self, model: str, prompt: str, settings: Mapping[str, Any], *, stream: bool) -> InferRequest:
        """Return the request to go on with a prompt."""
        self._put("text", [prompt])
        if stream:
            self._put("stream", [True])
        for field in SETTINGS:
            if settings[field] not in (None, []):
                given = settings[field]
                self._put(field, given if isinstance(given, list) else [given])
        for field in _WANTED:
            self._put(field, [True])
        return InferRequest(model, tuple(self._tensors), self._parameters)

    def embeddings(self, model: str, texts: Sequence[str]) -> InferRequest:
        """Return the request to turn texts into vectors; each text is an item of the batch."""
        self._put("text", texts, batched=True)
        return InferRequest(model, tuple(self._tensors), self._parameters)

    def _put(self, field: str, values: Sequence[Any], *, batched: bool = False) -> None:
        place = self._names.place(field)
        if place is None:
            return
        if place.parameter:
            self._parameter(field, place.name, values)
            return
        try:
            raw = packed(values, place.datatype)
        except (ValueError, UnicodeEncodeError) as error:
            raise UnsupportedFieldError.of(f"chat.{field}", f"cannot be written as {place.datatype}") from error
        count = len(values)
        shape = (count,) if self._names.rank == 1 else ((count, 1) if batched else (1, count))
        self._tensors.append(Tensor(place.name, place.datatype, shape, raw))

    def _parameter(self, field: str, name: str, values: Sequence[Any]) -> None:
        if len(values) > 1:
            self.warnings.append(FieldWarning(f"chat.{field}", "a parameter of this format holds one value; not sent"))
            return
        value = values[0]
        # Numbers with a fraction go as text: some servers have no parameters of that type, and lose them unseen.
        self._parameters[name] = repr(value) if isinstance(value, float) else value
