"""Why an answer ended: what endpoints declare words for, and answers say."""

from __future__ import annotations

from enum import IntEnum


class FinishReason(IntEnum):
    """Why an answer ended."""

    STOP = 1
    LENGTH = 2
    TOOL_CALLS = 3
    CONTENT_FILTER = 4
    REFUSAL = 5
    OTHER = 6
