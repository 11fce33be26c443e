"""What the command says of an answer beside its text."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from airegistry.cli.answers import Printer
from airegistry.invocations.chat import ChatChoice, ChatDelta, ChatResponse, FinishReason, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import InvokeEvent, InvokeResponse


@dataclass
class Notes:
    """Where a session would write to standard error."""

    said: list[str] = field(default_factory=list)

    def note(self, text, **_style):
        self.said.append(text)


@pytest.mark.parametrize(
    ("reason", "word", "said"),
    [
        (FinishReason.STOP, "stop", []),
        (FinishReason.LENGTH, "length", []),
        (FinishReason.OTHER, "TASK_STATE_INPUT_REQUIRED", ["the agent waits for you: TASK_STATE_INPUT_REQUIRED"]),
        (FinishReason.OTHER, "eclipse\x1b[2J", ["the answer ended otherwise than usual: eclipse"]),
    ],
    ids=["whole", "limit", "agent", "other"],
)
def test_an_end_that_is_none_is_said_in_streams_and_whole_answers_alike(reason, word, said, capsys):
    streamed, whole = Notes(), Notes()
    session: Any = streamed
    Printer(session).take(InvokeEvent(chat_delta=ChatDelta(text="How far?")))
    Printer(session).take(InvokeEvent(chat_delta=ChatDelta(finish_reason=reason, upstream_finish_reason=word)))
    message = Message(Role.ASSISTANT, (ContentBlock(text=TextBlock("How far?")),))
    session = whole
    Printer(session).whole(InvokeResponse(chat=ChatResponse((ChatChoice(0, message, reason, word),))))
    assert [note[: len(line)] for note, line in zip(streamed.said, said, strict=True)] == said
    assert streamed.said == whole.said
    assert all("\x1b" not in note for note in streamed.said)
    assert "How far?" in capsys.readouterr().out
