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


def padded(*words):
    """The same, each with bytes of its own beside its words."""
    return [chunk({"content": word}, obfuscation="x" * place) for place, word in enumerate(words)]


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


def check_same(values, relay):
    """Check that an answer that comes at once gives by the shorter ways what it gives read chunk by chunk."""
    quick, long = both(relay)
    wire = wire_of(values)
    assert outcome(quick, wire) == outcome(long, wire)


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


def told(kind, events):
    """Return what *events* add."""
    if kind is Relayed:
        return [WireSeen(each.data, token=True) for each in events]
    return [ChatDelta(text=json.loads(each.data)["choices"][0]["delta"]["content"]) for each in events]


@pytest.mark.parametrize("kind", SHORTCUTS)
@pytest.mark.parametrize("words", [speaking, padded], ids=["alike", "padded"])
def test_the_end_of_an_answer_is_no_part_of_a_run(words, kind):
    events = [event(value) for value in [*words(*"bcdef"), END, USAGE]]
    run, count = shortcut(kind).run([event(SPEAKING), *events, SSEvent(b"[DONE]")], 1)
    assert count == 5
    assert list(one_by_one(run)) == told(kind, events[:5])


@pytest.mark.parametrize("kind", SHORTCUTS)
@pytest.mark.parametrize(("value", "name"), OTHERS)
def test_one_that_holds_anything_else_makes_no_run(value, name, kind):
    around = [event(each) for each in padded(*"bcde")]
    assert shortcut(kind).run([event(SPEAKING), *around, event(value, name), *around], 1) == ((), 0)


# They begin and end as the others do: what is between is no words, and has to be read.
HIDDEN = {"empty", "refusal", "two-choices"}


@pytest.mark.parametrize("kind", SHORTCUTS)
@pytest.mark.parametrize(
    ("value", "name", "most"),
    [pytest.param(*each.values, 0 if each.id in HIDDEN else 4, id=each.id) for each in OTHERS],
)
def test_of_those_that_are_alike_a_run_goes_up_to_one_that_is_not(value, name, most, kind):
    around = [event(each) for each in speaking(*"bcde")]
    run, count = shortcut(kind).run([event(SPEAKING), *around, event(value, name), *around[:2]], 1)
    assert count == most
    assert list(one_by_one(run)) == told(kind, around[:count])


@pytest.mark.parametrize("kind", SHORTCUTS)
def test_where_only_some_are_alike_all_are_read_together(kind):
    events = [event(each) for each in (*speaking(*"bcdefgh"), *padded(*"ijklmnop"))]
    run, count = shortcut(kind).run([event(SPEAKING), *events], 1)
    assert count == len(events)
    assert list(one_by_one(run)) == told(kind, events)


def test_a_fact_is_news_also_in_chunks_that_are_alike():
    events = ChatEvents(REQUEST)
    events.take(event(SPEAKING))
    new = [event(chunk({"content": letter}, system_fingerprint="new")) for letter in "bcdef"]
    assert Read(events.chunks).run(new, 1) == ((), 0)


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
    around = [event(each) for each in padded(*"bcde")]
    assert Read(events.chunks).run([event(SPEAKING), *around, event(middle), *around], 1) == ((), 0)


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
@pytest.mark.parametrize("words", [speaking, padded], ids=["alike", "padded"])
def test_what_is_no_chunk_by_itself_is_none_together(pair, words, kind):
    whole = json.dumps(chunk({"content": "x"})).encode()
    pair = [SSEvent(one.replace(b"%s", whole)) for one in pair]
    around = [event(each) for each in words(*"bcd")]
    run, count = shortcut(kind).run([event(SPEAKING), *around, *pair, *around], 1)
    assert count <= 4
    assert list(one_by_one(run)) == told(kind, [*around, *pair][:count])


@pytest.mark.parametrize("kind", SHORTCUTS)
def test_a_chunk_cut_in_two_events_is_none(kind):
    whole = json.dumps(chunk({"content": "x"})).encode()
    for around in ([event(each) for each in words(*"bcde")] for words in (speaking, padded)):
        for place in range(1, len(whole)):
            pair = [SSEvent(whole[:place]), SSEvent(whole[place:])]
            # Another one that is two would make up for it.
            for more in ([], [SSEvent(whole * 2)]):
                _, count = shortcut(kind).run([event(SPEAKING), *around, *pair, *more, *around], 1)
                assert count in {0, 4}


@pytest.mark.parametrize("relay", [False, True], ids=["read", "relayed"])
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(rb"\n", id="escaped"),
        pytest.param(rb"\u00e9", id="escaped-letter"),
        pytest.param(b'b","content":"c', id="twice"),
        pytest.param(b'b"},"x":{"y":"', id="more-members"),
        pytest.param(b"\xc3\xa9\xf0\x9d\x84\x9e", id="letters"),
        pytest.param(b"\x7f", id="delete"),
        pytest.param(b"\x01", id="control"),
        pytest.param(b"b\ndata: c", id="lines"),
        pytest.param(b"\t", id="tab"),
        pytest.param(b"\xff", id="no-utf-8"),
        pytest.param(b"\xed\xa0\x80", id="half-a-letter"),
        pytest.param(b"", id="none"),
        pytest.param(b" ", id="space"),
    ],
)
def test_words_of_any_kind_come_out_the_same(words, relay):
    around = b'{"choices":[{"index":0,"delta":{"content": "%s"}}]}'
    written = [around % one for one in (b"a", b"b", b"c", b"d", b"e", words, b"f", words, words, b"g", b"h")]
    check_same([*written, END, USAGE, b"[DONE]"], relay)


@pytest.mark.parametrize("relay", [False, True], ids=["read", "relayed"])
def test_a_quote_that_is_escaped_ends_no_words(relay):
    around = b'{"choices":[{"index":0,"delta":{"content":"%s"}}]}'
    check_same([SPEAKING, around % rb"a\"b", *[around % b'c"b'] * 10, END], relay)


@pytest.mark.parametrize("relay", [False, True], ids=["read", "relayed"])
@pytest.mark.parametrize(
    "around",
    [
        pytest.param(b'{"choices":[{"delta":{"content":"a","content":"%s"}}]}', id="twice"),
        pytest.param(b'{"choices":[{"delta":{"content":"%s","content":"a"}}]}', id="twice-first"),
        pytest.param(b'{"id":"\\"content\\":\\"","choices":[{"delta":{"content":"%s"}}]}', id="in-a-string"),
        pytest.param(
            b'{"choices":[{"delta":{"content":"%s"}}],"obfuscation":"\\"content\\":"}', id="in-a-string-after"
        ),
        pytest.param(b'{"choices":[{"delta":{"content":"a"}}],"x":{"content":"%s"}}', id="somewhere-else"),
        pytest.param(b'{"choices":[{"delta":{"content":"%s"}}],"x":{"content":1}}', id="somewhere-else-after"),
        pytest.param(b'{"choices":[{"delta":{"content" : "%s"}}]}', id="a-space"),
        pytest.param(b'{"choices":[{"delta":{"content":null,"role":"%s"}}]}', id="no-string"),
        pytest.param(
            b'{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[{"token":"%s","logprob":-1}]}}]}',
            id="log-probabilities",
        ),
        pytest.param(b'"content":"%s"', id="no-object"),
    ],
)
def test_a_key_that_stands_anywhere_comes_out_the_same(around, relay):
    check_same([SPEAKING, *(around % letter.encode() for letter in "bcdefghijk"), END, USAGE, b"[DONE]"], relay)


@pytest.mark.parametrize("name", ["error", "usage", "zzzzz"])
def test_a_member_of_another_name_is_seen_among_those_that_are_alike(name):
    around = (
        b'{"choices":[{"index":0,"delta":{"content":"a"}}],"x":{"content":1},"%s":{"message":"boom","prompt_tokens":1}}'
    )
    names = [*["xxxxx"] * 5, name, name, *["xxxxx"] * 2]
    check_same([SPEAKING, *(around % each.encode() for each in names), END, b"[DONE]"], relay=True)


def wires(items):
    return [item.data for item in items if isinstance(item, WireSeen)]


@pytest.mark.parametrize("text", ["a", "", None], ids=["text", "no-text", "null"])
@pytest.mark.parametrize("index", [0, 1], ids=["its-choice", "another-choice"])
def test_what_follows_a_mended_call_is_relayed(index, text):
    call = {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    values = [
        *(chunk({"content": "a"}, index=each) for each in (0, 1)),
        chunk(call),
        chunk({"content": text}, index=index),
        USAGE,
        *(chunk({}, "stop", index=each) for each in (1, 0)),
    ]
    lines = [json.dumps(value).encode() for value in values]
    for decoder in (
        chat_stream(ChatRequest(choice_count=2), relay=True),
        EventStream(SSEDecoder(), ChatEvents(ChatRequest(choice_count=2)), relay=True),
    ):
        items, error, _ = outcome(decoder, *(wire_of([line]) for line in lines), wire_of([b"[DONE]"]))
        assert error is None
        # But for the call itself, which lacks what its format demands.
        assert wires(items) == [*(line for line in lines if b"tool_calls" not in line), b"[DONE]"]


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
