"""Streams of events on their way to a caller of the same format."""

import json
from typing import Any

import pytest

from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.errors import ProviderError, TruncatedAnswerError
from airegistry.invocations.chat import ChatDelta, ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.streaming import StreamStarted, UsageSeen, WireSeen

CHAT = ChatRequest(messages=(Message(Role.USER, (ContentBlock(text=TextBlock("hello")),)),))


def event(delta, finish=None, **more):
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "odd": {"x": 1.10}}
    return json.dumps({"id": "1", "choices": [choice], **more})


WORD = event({"content": "hi"})
FINISH = event({}, "stop")
USAGE = json.dumps({"id": "1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})


def relayed(*events):
    decoder = OpenAIChat().decoder(CHAT, relay=True)
    return decoder, decoder.feed("".join(f"data: {one}\n\n" for one in events).encode())


def test_events_go_on_as_they_came():
    _, items = relayed(WORD)
    assert items == [StreamStarted("1"), WireSeen(WORD.encode(), token=True)]


def test_the_end_is_kept_until_it_is_sure():
    decoder, items = relayed(WORD, FINISH, USAGE)
    assert [item.data for item in items if isinstance(item, WireSeen)] == [WORD.encode()]
    assert any(isinstance(item, UsageSeen) for item in items)
    last = decoder.feed(b"data: [DONE]\n\n")
    assert decoder.finished
    assert [item.data for item in last] == [FINISH.encode(), USAGE.encode(), b"[DONE]"]


def test_a_cut_answer_never_shows_an_end():
    decoder, items = relayed(WORD)
    with pytest.raises(TruncatedAnswerError):
        decoder.close()
    assert len(items) == 2


def test_an_error_after_the_finish_reason_is_no_end():
    decoder, items = relayed(WORD, FINISH, json.dumps({"error": {"message": "crashed"}}))
    assert all(b"stop" not in item.data for item in items if isinstance(item, WireSeen))
    with pytest.raises(ProviderError, match="crashed"):
        decoder.close()


def test_what_lacks_what_the_format_demands_is_mended():
    call = {"function": {"name": "f", "arguments": "{}"}}
    decoder, items = relayed(event({"tool_calls": [call]}), event({}, "tool_calls"))
    (delta,) = (item for item in items if isinstance(item, ChatDelta))
    assert delta.tool_call_start is not None
    assert delta.tool_call_start.id
    assert [type(item) for item in decoder.close()] == [WireSeen]


def test_an_end_in_a_mended_event_is_told_too():
    call = {"function": {"name": "f", "arguments": "{}"}}
    decoder, _ = relayed(event({"tool_calls": [call]}, "tool_calls"))
    (last,) = decoder.close()
    assert isinstance(last, ChatDelta)
    assert last.upstream_finish_reason == "tool_calls"


def test_blanks_without_end_are_not_kept():
    decoder: Any = OpenAIChat().decoder(CHAT)
    for _ in range(1_000):
        assert decoder.feed(b" \r\n\t" * 100) == []
    assert sum(len(piece) for piece in (decoder._head, *decoder._framing._tail)) < 10
    assert decoder.feed(f"data: {WORD}\n\n".encode())


@pytest.mark.parametrize("cut", range(8))
def test_a_byte_order_mark_hides_neither_a_stream_nor_a_whole_answer(cut):
    answer = {"choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
    for wire in (f"\ufeff\n data: {WORD}\n\ndata: {FINISH}\n\n", f"\ufeff \n{json.dumps(answer)}"):
        data, decoder = wire.encode(), OpenAIChat().decoder(CHAT)
        items = [*decoder.feed(data[:cut]), *decoder.feed(data[cut:]), *decoder.close()]
        assert [item.text for item in items if isinstance(item, ChatDelta) and item.text] == ["hi"]
