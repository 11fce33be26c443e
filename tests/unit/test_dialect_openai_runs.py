"""Chunks that come together and only go on with a text are read together, as the same that each of them is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.events.sse import SSEDecoder, SSEvent
from airegistry.dialects.events.streams import EventStream
from airegistry.dialects.openai.shortcuts import Read, Relayed
from airegistry.dialects.openai.stream import ChatEvents, chat_stream
from airegistry.errors import ProviderError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatDelta, ChatRequest
from airegistry.invocations.streaming import TextRun, WireSeen, one_by_one
from tests.unit.test_dialect_openai_passing import FURTHER, OTHERS, REQUEST, SAID, SPEAKING, chunk, event

END = chunk({}, "stop")
USAGE = {**SPEAKING, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
SHORTCUTS = [pytest.param(Read, id="read"), pytest.param(Relayed, id="relayed")]


def wire_of(values):
    return b"".join(
        b"data: %s\n\n" % (each if isinstance(each, bytes) else json.dumps(each).encode()) for each in values
    )


def speaking(*words):
    return [chunk({"content": word}) for word in words]


def shortcut(kind):
    """Return the shortcut of an answer that has begun with `a`."""
    events = ChatEvents(REQUEST)
    events.take(event(SPEAKING))
    return kind(events.chunks)


def outcome(decoder, *pieces):
    """Return all that comes of an answer, one by one, and the error that ended it."""
    items = []
    try:
        for piece in pieces:
            items += decoder.feed(piece)
            if decoder.finished:
                break
        items += decoder.close()
    except ProviderError as error:
        return list(one_by_one(items)), type(error), str(error)
    return list(one_by_one(items)), None, ""


def both(relay):
    """Return a decoder that takes the shorter ways, and one that reads every chunk."""
    return chat_stream(REQUEST, relay=relay), EventStream(SSEDecoder(), ChatEvents(REQUEST), relay=relay)


def test_texts_that_come_together_are_a_run():
    words = [f"w{i} " for i in range(50)]
    decoder = chat_stream(ChatRequest(), relay=False)
    items = [
        *decoder.feed(wire_of([chunk({"role": "assistant", "content": ""}), *speaking(*words), END, USAGE, b"[DONE]"])),
        *decoder.close(),
    ]
    (run,) = [item for item in items if isinstance(item, TextRun)]
    # The first tells that there is a text, the second that others go on with it.
    assert run == TextRun(0, 0, tuple(words[2:]))
    response, _ = assemble(items)
    assert response.text == "".join(words)


@pytest.mark.parametrize("kind", SHORTCUTS)
def test_the_end_of_an_answer_is_no_part_of_a_run(kind):
    events = [event(value) for value in [*speaking(*"bcdef"), END, USAGE]]
    run, count = shortcut(kind).run([*events, SSEvent(b"[DONE]")])
    assert count == 5
    assert list(one_by_one(run)) == (
        [ChatDelta(text=letter) for letter in "bcdef"]
        if kind is Read
        else [WireSeen(each.data, token=True) for each in events[:5]]
    )


@pytest.mark.parametrize("kind", SHORTCUTS)
@pytest.mark.parametrize(("value", "name"), OTHERS)
def test_one_that_holds_anything_else_makes_no_run(value, name, kind):
    around = [event(each) for each in speaking(*"bcde")]
    assert shortcut(kind).run([*around, event(value, name), *around]) == ((), 0)


@pytest.mark.parametrize(
    "middle",
    [
        pytest.param(chunk({"content": "x"}, system_fingerprint="new"), id="a-fact"),
        pytest.param(chunk({"content": "x"}, index=1), id="another-choice"),
    ],
)
def test_one_that_tells_something_new_makes_no_run(middle):
    events = ChatEvents(ChatRequest(choice_count=2))
    for index in (0, 1):
        events.take(event(chunk({"content": "a"}, index=index)))
    around = [event(each) for each in speaking(*"bcde")]
    assert Read(events.chunks).run([*around, event(middle), *around]) == ((), 0)


@pytest.mark.parametrize("kind", SHORTCUTS)
@pytest.mark.parametrize(
    "pair",
    [
        pytest.param([b"%s", b"\n"], id="two-lines"),
        pytest.param([b"%s", b"%s%s"], id="two-in-one"),
        pytest.param([b"%s\n%s", b""], id="two-in-one-and-none"),
        pytest.param([b"%s%s", b""], id="two-without-a-space"),
        pytest.param([b"%s %s", b" "], id="two-with-a-space"),
        pytest.param([b"%s,%s", b""], id="two-with-a-comma"),
    ],
)
def test_what_is_no_chunk_by_itself_is_none_together(pair, kind):
    whole = json.dumps(chunk({"content": "x"})).encode()
    pair = [SSEvent(one.replace(b"%s", whole)) for one in pair]
    around = [event(each) for each in speaking(*"bcde")]
    assert shortcut(kind).run([*around, *pair, *around]) == ((), 0)


@pytest.mark.parametrize("kind", SHORTCUTS)
def test_a_chunk_cut_in_two_events_is_none(kind):
    whole = json.dumps(chunk({"content": "x"})).encode()
    around = [event(each) for each in speaking(*"bcde")]
    for place in range(1, len(whole)):
        pair = [SSEvent(whole[:place]), SSEvent(whole[place:])]
        # Another one that is two would make up for it.
        for more in ([], [SSEvent(whole * 2)]):
            assert shortcut(kind).run([*around, *pair, *more, *around]) == ((), 0)


@pytest.mark.parametrize("relay", [False, True], ids=["read", "relayed"])
def test_the_shorter_way_gives_what_the_long_one_gives(relay):
    values = [chunk({"role": "assistant", "content": ""}), SPEAKING, *(each.values[0] for each in FURTHER * 4)]
    values += [each.values[0] for each in OTHERS if each.id in SAID]
    quick, long = both(relay)
    wire = wire_of([*values, *speaking(*"bcdefgh"), END, USAGE, b"[DONE]"])
    items, error, _ = outcome(quick, wire)
    assert error is None
    assert items == outcome(long, wire)[0]


VALUES = st.one_of(
    st.sampled_from([each.values[0] for each in FURTHER]),
    st.sampled_from([each.values[0] for each in FURTHER]),
    st.sampled_from([each.values[0] for each in OTHERS]),
    st.sampled_from([b"", b"{", b"[DONE]", b"nonsense"]),
    st.text(max_size=3).map(lambda text: chunk({"content": text})),
)


@pytest.mark.parametrize("relay", [False, True], ids=["read", "relayed"])
@given(texts=st.lists(st.lists(VALUES, max_size=2), max_size=4), words=st.integers(0, 20), data=st.data())
def test_any_answer_in_any_pieces_comes_out_the_same(relay, texts, words, data):
    values = [SPEAKING]
    for others in texts:
        values += [*speaking(*["w"] * words), *others]
    wire = wire_of([*values, END, b"[DONE]"])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=3)))
    pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    quick, long = both(relay)
    assert outcome(quick, *pieces) == outcome(long, *pieces)
