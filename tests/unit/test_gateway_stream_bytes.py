"""What happens in a streamed call is written as the message that converting it gives."""

import pytest

from airegistry._convert import to_pb
from airegistry.invocations.chat import ChatDelta, FinishReason
from airegistry.invocations.invocation import AttemptStarted, InvokeEvent, InvokeStreamResponse, StreamEnd
from airegistry.invocations.streaming import TextRun, events_of
from airegistry.v1 import gateway_service_pb2 as pb
from gateway.rpc import streaming
from gateway.rpc.streaming import response_bytes

STARTED = InvokeEvent(started=AttemptStarted(target="endpoints/a", attempt=1))
DELTA = InvokeEvent(chat_delta=ChatDelta(thinking="well"))
END = InvokeEvent(chat_delta=ChatDelta(finish_reason=FinishReason.STOP))
LAST = InvokeEvent(end=StreamEnd())
TEXTS = ("a", "é", "𝄞", "\0", "x" * 113, "x" * 114, "x" * 127, "x" * 128, "ü" * 8_192, "z" * 70_000)


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param([], id="nothing"),
        pytest.param([STARTED, DELTA], id="no-run"),
        pytest.param([TextRun(0, 0, TEXTS)], id="a-run"),
        pytest.param([TextRun(0, 2, TEXTS)], id="another-block"),
        pytest.param([TextRun(127, 0, TEXTS), TextRun(3, 300, TEXTS)], id="other-choices"),
        pytest.param([STARTED, TextRun(0, 0, TEXTS), DELTA, END, TextRun(1, 1, TEXTS), LAST], id="among-others"),
    ],
)
def test_a_batch_is_written_as_it_would_be_converted(batch):
    converted = to_pb(InvokeStreamResponse(tuple(events_of(batch))), pb.InvokeStreamResponse)
    assert response_bytes(batch) == converted.SerializeToString()


def test_what_stands_before_long_texts_is_not_kept():
    response_bytes([TextRun(5, 5, tuple("x" * size for size in range(1, 2_000)))])
    assert len(streaming._before(5, 5)) < 256
