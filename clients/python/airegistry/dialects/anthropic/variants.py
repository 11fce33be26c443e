"""How the servers and models that speak Anthropic's format differ, as facts that an endpoint declares.

Each is a capability of the Endpoint, `supported` true or false; what is missing has the default given here. No provider and
no model is known by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability


@dataclass(frozen=True, slots=True)
class Variant:
    """What one endpoint understands of the format, beyond or short of what all do."""

    structured_output: bool = False
    """`output_config.format` is understood. Where it is not, a schema is asked for by way of a tool."""
    sampling_parameters: bool = True
    """`temperature`, `top_p` and `top_k` are understood. Anthropic's models of 2026 refuse all three."""
    temperature_with_top_p: bool = True
    """`temperature` and `top_p` may come together. Many models take one of them only."""
    adaptive_thinking: bool = True
    """`thinking: adaptive` and `output_config.effort` are understood. Older models know a budget of tokens only."""
    thinking_budget: bool = True
    """`thinking: enabled` with a budget of tokens is understood. Newer models know an effort only."""
    unsigned_thinking: bool = False
    """Earlier thoughts may be sent back without a signature, as self-hosted models give none."""
    system_turns: bool = False
    """A system message may stand among the turns, after one of the user."""
    count_tokens: bool = True
    """`/count_tokens` is answered below the path of messages."""


_DEFAULT = Variant()
_NAMES = tuple(field.name for field in fields(Variant))


def variant_of(endpoint: Endpoint) -> Variant:
    """Return what an endpoint declares."""
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
