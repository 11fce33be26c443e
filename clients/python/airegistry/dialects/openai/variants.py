"""How the many servers that speak OpenAI's format differ, as facts that an endpoint declares.

Each is a capability of the Endpoint, `supported` true or false; what is missing has the default given here. No provider is
known by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability


@dataclass(frozen=True, slots=True)
class Variant:
    """What one endpoint understands of the format, beyond or short of what all do."""

    max_completion_tokens: bool = False
    """The limit of output tokens goes by this name. OpenAI's own newer models want it; most compatible servers know only
    `max_tokens`, which is what they get otherwise."""
    top_k: bool = False
    """`top_k` is understood (vLLM, llama.cpp, SGLang; OpenAI refuses it)."""
    reasoning_content: bool = False
    """Earlier thoughts may be sent back as `reasoning_content` of an assistant message."""
    stream_options: bool = True
    """`stream_options` is understood, so that a stream can be asked to tell its usage."""


_NAMES = ("max_completion_tokens", "top_k", "reasoning_content", "stream_options")
_DEFAULT = Variant()


def variant_of(endpoint: Endpoint) -> Variant:
    """Return what an endpoint declares."""
    if endpoint.capabilities.keys().isdisjoint(_NAMES):
        return _DEFAULT
    declared = {
        name: supported for name in _NAMES if (supported := _supported(endpoint.capabilities, name)) is not None
    }
    return Variant(**declared) if declared else _DEFAULT


def _supported(capabilities: Mapping[str, Capability], name: str) -> bool | None:
    capability = capabilities.get(name)
    if capability is None:
        return None
    # A level implies that it can.
    return True if capability.level else capability.supported
