"""Where a model takes what it is told, and where it gives what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

NOWHERE: Final = "-"
_PARAMETERS: Final = "parameters."

# As Triton's backend for vLLM takes and gives them.
_USUAL: Final[Mapping[str, str]] = {
    "text": "text_input",
    "stream": "stream",
    "max_output_tokens": "parameters.max_tokens",
    "temperature": "parameters.temperature",
    "top_p": "parameters.top_p",
    "top_k": "parameters.top_k",
    "stop_sequences": "parameters.stop",
    "seed": "parameters.seed",
    "presence_penalty": "parameters.presence_penalty",
    "frequency_penalty": "parameters.frequency_penalty",
    "output.text": "text_output",
    "output.finish_reason": "finish_reason",
    "output.input_tokens": "num_input_tokens",
    "output.output_tokens": "num_output_tokens",
    "output.embeddings": "embeddings",
}
_TYPES: Final[Mapping[str, str]] = {
    "text": "BYTES",
    "stop_sequences": "BYTES",
    "max_output_tokens": "INT32",
    "top_k": "INT32",
    "seed": "UINT64",
    "temperature": "FP32",
    "top_p": "FP32",
    "presence_penalty": "FP32",
    "frequency_penalty": "FP32",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A parameter of the request, or a tensor of a type."""

    name: str
    datatype: str
    parameter: bool


class Names:
    """The names that one model uses: those that its endpoint declares, else the usual ones."""

    def __init__(self, declared: Mapping[str, str]) -> None:
        self._declared = declared
        self.rank = 2 if declared.get("rank") == "2" else 1

    def place(self, field: str) -> Place | None:
        """Return where a field goes; None when the model does not take it."""
        said = self._declared.get(field) or _USUAL.get(field, NOWHERE)
        if said == NOWHERE:
            return None
        name, _, datatype = said.removeprefix(_PARAMETERS).partition(":")
        return Place(name, datatype or _TYPES.get(field, "BOOL"), parameter=said.startswith(_PARAMETERS))

    def output(self, field: str) -> str:
        """Return the name of the tensor that has a field; empty when none has."""
        place = self.place(f"output.{field}")
        return place.name if place is not None else ""

    def told(self, field: str) -> bool:
        """Whether the endpoint itself says where a field is."""
        return field in self._declared
