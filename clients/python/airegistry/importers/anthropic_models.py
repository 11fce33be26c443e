"""What Anthropic's models understand of its format, by the generation in their ids.

After Anthropic's migration guides of 2026. An id without a generation is taken for the newest one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_NEWEST: Final = (99, 0)
_NUMBER: Final = re.compile(r"[-.v](\d{1,2})(?=[-.]|$)")

# The first generation of each.
_THINKING: Final = (3, 7)
_ONE_OF_TEMPERATURE_AND_TOP_P: Final = (4, 1)
_STRUCTURED_OUTPUT: Final = (4, 1)
_ADAPTIVE_THINKING: Final = (4, 6)
_NO_PREFIX: Final = (4, 6)
_NO_SAMPLING: Final = (4, 7)
_NO_BUDGET: Final = (4, 7)
_SYSTEM_TURNS: Final = (4, 8)


def capabilities_of(model_id: str) -> Mapping[str, bool]:
    """Return what a model understands, by the names that the dialect gives (`dialects.anthropic.variants`)."""
    generation = generation_of(model_id)
    return {
        "structured_output": generation >= _STRUCTURED_OUTPUT,
        "sampling_parameters": generation < _NO_SAMPLING,
        "temperature_with_top_p": generation < _ONE_OF_TEMPERATURE_AND_TOP_P,
        "adaptive_thinking": generation >= _ADAPTIVE_THINKING,
        "thinking_budget": _THINKING <= generation < _NO_BUDGET,
        # Smaller models of later generations may lack it: then a later system message goes to the front.
        "system_turns": "opus" in model_id and generation >= _SYSTEM_TURNS,
    }


def continues_prefix(model_id: str) -> bool:
    """Say whether a model goes on with an answer that it is given the beginning of."""
    return generation_of(model_id) < _NO_PREFIX


def generation_of(model_id: str) -> tuple[int, int]:
    """Return a model's generation: (4, 5) for `claude-opus-4-5-20251101` and (3, 7) for `claude-3-7-sonnet-latest`."""
    numbers = [int(found) for found in _NUMBER.findall(model_id)]
    return (numbers[0], numbers[1] if len(numbers) > 1 else 0) if numbers else _NEWEST
