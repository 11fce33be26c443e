"""How a task of A2A stands: which states end an answer, and which of them are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.a2a.parts import Part, text_of
from airegistry.dialects.redaction import LONGEST, presentable
from airegistry.errors import ProviderError, ProviderFailedError, TaskCanceledError, TaskRejectedError
from airegistry.invocations.kinds import AgentTaskState

PREFIX: Final = "TASK_STATE_"
UNDER_WAY: Final = frozenset({AgentTaskState.SUBMITTED, AgentTaskState.WORKING})
WAITING: Final = frozenset({AgentTaskState.INPUT_REQUIRED, AgentTaskState.AUTH_REQUIRED})
"""The task is not done: it waits for its caller."""

_FAILURES: Final[Mapping[AgentTaskState, tuple[type[ProviderError], str]]] = {
    AgentTaskState.FAILED: (ProviderFailedError, "the agent failed at the task"),
    AgentTaskState.REJECTED: (TaskRejectedError, "the agent declined the task"),
    AgentTaskState.CANCELED: (TaskCanceledError, "the task was cancelled at the agent"),
}
_STATES: Final = {f"{PREFIX}{state.name}": state for state in AgentTaskState}


WAITING_WORDS: Final = frozenset(f"{PREFIX}{state.name}" for state in WAITING)
"""The words for why an answer ended that is none yet."""


def state_of(status: Mapping[str, Any]) -> AgentTaskState | None:
    """Return the state in a status; None where it is not said, or of a later version."""
    word = status.get("state")
    return _STATES.get(word) if isinstance(word, str) else None


def word_of(state: AgentTaskState) -> str:
    """Return the agent's own word for a state."""
    return f"{PREFIX}{state.name}"


def failure_of(state: AgentTaskState, said: list[Part], ids: Mapping[str, str]) -> ProviderError | None:
    """Return the error that a final state means, in the agent's words; None for one that is no failure."""
    if state not in _FAILURES:
        return None
    cls, what = _FAILURES[state]
    words = presentable(" ".join(text for part in said if (text := text_of(part))))
    message = f"{what}: {words}" if words else what
    return cls(message[:LONGEST], metadata={**ids, "task_state": state.name})


def parts_of(message: Mapping[str, Any]) -> list[Part]:
    """Return the parts of a message."""
    return reading.objects(message, "parts", "message")
