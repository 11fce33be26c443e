"""What of a chat request makes another answer likely, and no other question of it: left out with a warning."""

from __future__ import annotations

from typing import Final

CHAT_HINTS: Final = (
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "parallel_tool_calls",
    "reasoning",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "user",
)
