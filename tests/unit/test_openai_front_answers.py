"""Answers in OpenAI's form, as OpenAI's own types read them."""

import base64
import struct

import orjson
import pytest
from openai.types import CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from airegistry.dialects.events.sse import SSEDecoder
from airegistry.errors import ProviderOverloadedError, TruncatedAnswerError
from airegistry.invocations.chat import (
    ChatChoice,
    ChatDelta,
    ChatResponse,
    FinishReason,
    Message,
    Role,
    TokenLogprob,
)
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
)
from airegistry.invocations.embeddings import Embedding, EmbeddingsResponse
from airegistry.invocations.invocation import Attempt, Settlement
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.usage import Cost, CostState, Usage
from gateway.fronts.openai.relays import relayed_end, relayed_events
from gateway.fronts.openai.responses import (
    Envelope,
    ListedModel,
    chat_body,
    embeddings_body,
    model_body,
    model_list_body,
)
from gateway.fronts.openai.streams import ChatEvents, failure_event

ENVELOPE = Envelope("chatcmpl-7", 1_754_000_000, "my/model")
USAGE = Usage(
    input_tokens=5,
    cache_read_tokens=60,
    cache_write_tokens=4,
    cache_write_1h_tokens=1,
    output_tokens=20,
    reasoning_tokens=20,
    input_audio_tokens=30,
    output_audio_tokens=10,
)
SETTLEMENT = Settlement(
    target="models/m/endpoints/e",
    model="models/m",
    provider="acme",
    usage=USAGE,
    cost=Cost(CostState.PARTIAL, 1_234, ("cache_write_tokens",)),
    attempts=(Attempt(), Attempt()),
    warnings=(FieldWarning("chat.top_k", "not sent"),),
)
CITATION = {
    "type": "url_citation",
    "url_citation": {"start_index": 0, "end_index": 5, "title": "t", "url": "https://a"},
}
TEXT = ContentBlock(text=TextBlock("Hello", (CITATION,)))


def answer(*content, reason=FinishReason.STOP, **fields):
    return ChatResponse((ChatChoice(0, Message(Role.ASSISTANT, content), reason, **fields),))


def body_of(response, settlement=SETTLEMENT):
    body = orjson.loads(chat_body(response, settlement, ENVELOPE))
    ChatCompletion.model_validate(body)
    return body


def message_of(*content, **fields):
    return body_of(answer(*content, **fields))["choices"][0]["message"]


def events_of(*deltas, settlement=SETTLEMENT, include_usage=False):
    """Return the parsed events of a whole stream; the last must be `[DONE]`."""
    events = ChatEvents(ENVELOPE, include_usage=include_usage)
    wire = b"".join([*(events.delta(delta) for delta in deltas), events.end(settlement)])
    *items, done, rest = wire.split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [orjson.loads(item.removeprefix(b"data: ")) for item in items]


def pieces_of(events):
    return [event["choices"][0]["delta"] for event in events]


END = ChatDelta(finish_reason=FinishReason.STOP, upstream_finish_reason="stop")


def test_the_envelope_is_ours_and_the_model_as_the_caller_wrote_it():
    body = body_of(
        ChatResponse(answer(TEXT).choices, "up-1", "upstream", 5, {"system_fingerprint": "f", "id": "theirs"})
    )
    assert (body["id"], body["object"], body["created"], body["model"]) == (
        "chatcmpl-7",
        "chat.completion",
        1_754_000_000,
        "my/model",
    )
    assert body["system_fingerprint"] == "f"


def test_who_answered_at_what_cost_stands_beside():
    assert body_of(answer(TEXT))["airegistry"] == {
        "target": "models/m/endpoints/e",
        "model": "models/m",
        "provider": "acme",
        "attempts": 2,
        "cost": {"state": "PARTIAL", "nano_usd": 1234, "unpriced": ["cache_write_tokens"]},
        "warnings": ["chat.top_k: not sent"],
    }


def test_disjoint_counts_become_overlapping_ones():
    assert body_of(answer(TEXT))["usage"] == {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 5, "audio_tokens": 30},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 10},
    }


@pytest.mark.parametrize("usage", [None, Usage(), Usage(input_tokens=5), Usage(output_tokens=5)], ids=repr)
def test_usage_that_is_not_known_is_null_and_not_zero(usage):
    assert body_of(answer(TEXT), Settlement(usage=usage))["usage"] is None


def test_blocks_become_the_fields_of_a_message():
    transcript = TextBlock(
        "Hi.", ({"type": "audio_transcript", "id": "audio_1"}, {"type": "audio_transcript", "expires_at": 9})
    )
    message = message_of(
        ContentBlock(thinking=ThinkingBlock("hm")),
        TEXT,
        ContentBlock(text=TextBlock(" you")),
        ContentBlock(refusal=RefusalBlock("no")),
        ContentBlock(tool_call=ToolCall("c", "f", "{}")),
        ContentBlock(text=transcript),
        ContentBlock(audio=MediaBlock(data=b"RI", media_type="audio/wav")),
        ContentBlock(image=MediaBlock(data=b"\x89P", media_type="image/png")),
    )
    assert message == {
        "role": "assistant",
        "content": "Hello you",
        "refusal": "no",
        "reasoning_content": "hm",
        "annotations": [CITATION],
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        "audio": {"id": "audio_1", "expires_at": 9, "transcript": "Hi.", "data": "Ukk="},
        "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVA="}}],
    }


def test_what_has_no_place_is_named():
    body = body_of(
        answer(ContentBlock(thinking=ThinkingBlock("hm", "signature")), ContentBlock(video=MediaBlock(url="https://a")))
    )
    assert [words.partition(":")[0] for words in body["airegistry"]["warnings"]] == [
        "chat.top_k",
        "choices[0].message.content[0]",
        "choices[0].message.content[1]",
    ]


@pytest.mark.parametrize(
    ("reason", "upstream", "word"),
    [
        (FinishReason.STOP, "end_turn", "stop"),
        (FinishReason.LENGTH, "", "length"),
        (FinishReason.TOOL_CALLS, "", "tool_calls"),
        (FinishReason.CONTENT_FILTER, "", "content_filter"),
        (FinishReason.REFUSAL, "refusal", "content_filter"),
        (FinishReason.OTHER, "pause_turn", "pause_turn"),
        (FinishReason.OTHER, "", "stop"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_reason_has_openais_word_streamed_or_not(reason, upstream, word):
    response = answer(TEXT, reason=reason, upstream_finish_reason=upstream)
    assert orjson.loads(chat_body(response, None, ENVELOPE))["choices"][0]["finish_reason"] == word
    events = events_of(ChatDelta(text="x"), ChatDelta(finish_reason=reason, upstream_finish_reason=upstream))
    assert events[-1]["choices"][0]["finish_reason"] == word


def test_a_refusal_in_words_ends_normally():
    body = body_of(answer(ContentBlock(refusal=RefusalBlock("no")), reason=FinishReason.REFUSAL))
    assert body["choices"][0]["finish_reason"] == "stop"
    events = events_of(ChatDelta(refusal="no"), ChatDelta(finish_reason=FinishReason.REFUSAL))
    assert events[-1]["choices"][0]["finish_reason"] == "stop"


def test_logprobs_have_their_bytes():
    token = TokenLogprob("é", -0.5, b"", (TokenLogprob("\\xc3", -1.0, b"\xc3"),))
    body = body_of(answer(TEXT, logprobs=(token,)))
    assert body["choices"][0]["logprobs"]["content"] == [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "\\xc3", "logprob": -1.0, "bytes": [195]}],
        }
    ]
    [first, second, _] = events_of(ChatDelta(text="é", logprobs=(token,)), END)
    assert second["choices"][0]["delta"] == {"content": "é"}
    assert second["choices"][0]["logprobs"] == body["choices"][0]["logprobs"]
    assert first["choices"][0]["logprobs"] is None


def test_a_stream_is_opened_spoken_and_ended():
    events = events_of(ChatDelta(text='say "hi"\n'), ChatDelta(text="é𝄞\u2028"), END)
    for event in events:
        ChatCompletionChunk.model_validate(event)
        assert event["id"] == "chatcmpl-7"
        assert event["model"] == "my/model"
    assert pieces_of(events) == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": 'say "hi"\n'},
        {"content": "é𝄞\u2028"},
        {},
    ]
    assert [event["choices"][0]["finish_reason"] for event in events] == [None, None, None, "stop"]
    assert ["airegistry" in event for event in events] == [False, False, False, True]
    assert events[-1]["airegistry"]["target"] == "models/m/endpoints/e"


def test_nothing_tells_the_end_before_the_answer_is_whole():
    events = ChatEvents(ENVELOPE, include_usage=False)
    events.delta(ChatDelta(text="x"))
    assert events.delta(END) == b""


def test_usage_comes_last_and_only_when_asked_for():
    events = events_of(ChatDelta(text="x"), END, include_usage=True)
    assert [event["usage"] for event in events[:-1]] == [None, None, None]
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["total_tokens"] == 150
    assert all("usage" not in event for event in events_of(ChatDelta(text="x"), END))


def test_tool_calls_are_numbered_by_themselves():
    events = events_of(
        ChatDelta(block_index=0, text="Let me see."),
        ChatDelta(block_index=1, tool_call_start=ToolCall("c1", "f")),
        ChatDelta(block_index=2, tool_call_start=ToolCall("c2", "g", '{"a"')),
        ChatDelta(block_index=1, tool_call_arguments="{}"),
        ChatDelta(block_index=2, tool_call_arguments=":1}"),
        ChatDelta(finish_reason=FinishReason.TOOL_CALLS),
    )
    assert [piece["tool_calls"][0] for piece in pieces_of(events) if "tool_calls" in piece] == [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": '{"a"'}},
        {"index": 0, "function": {"arguments": "{}"}},
        {"index": 1, "function": {"arguments": ":1}"}},
    ]


def test_each_choice_is_opened_and_ended():
    events = events_of(
        ChatDelta(1, text="b"), ChatDelta(0, text="a"), ChatDelta(1, finish_reason=FinishReason.LENGTH), END
    )
    assert [(event["choices"][0]["index"], event["choices"][0]["finish_reason"]) for event in events] == [
        (1, None),
        (1, None),
        (0, None),
        (0, None),
        (0, "stop"),
        (1, "length"),
    ]


def test_thoughts_sound_and_sources_stream_in_their_fields():
    told = TextBlock("", ({"type": "audio_transcript", "id": "audio_1"},))
    events = events_of(
        ChatDelta(0, 0, thinking="hm"),
        ChatDelta(0, 0, thinking_signature="s"),
        ChatDelta(0, 1, text="x"),
        ChatDelta(0, 1, block=ContentBlock(text=TextBlock("", (CITATION,)))),
        ChatDelta(0, 2, block=ContentBlock(text=told)),
        ChatDelta(0, 2, text="spoken"),
        ChatDelta(0, 3, block=ContentBlock(audio=MediaBlock(data=b"R", media_type="audio/wav"))),
        END,
    )
    assert pieces_of(events)[1:-1] == [
        {"reasoning_content": "hm"},
        {"content": "x"},
        {"annotations": [CITATION]},
        {"audio": {"id": "audio_1", "transcript": ""}},
        {"audio": {"transcript": "spoken"}},
        {"audio": {"data": "Ug=="}},
    ]
    assert events[-1]["airegistry"]["warnings"][-1].startswith("choices[0].message.content[0]")


def test_a_failure_ends_a_stream_with_an_error():
    event = failure_event(TruncatedAnswerError("cut"))
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    assert orjson.loads(event[6:])["error"] == {
        "message": "cut",
        "type": "server_error",
        "param": None,
        "code": "truncated_answer",
    }


def test_a_failure_of_nobody_says_nothing_of_itself():
    assert b"postgres" not in failure_event(RuntimeError("postgres://me:pw@db"))
    assert b"internal error" in failure_event(RuntimeError("x"))


def test_a_failure_keeps_what_it_means():
    assert orjson.loads(failure_event(ProviderOverloadedError("busy"))[6:])["error"]["code"] == "provider_overloaded"


VECTORS = EmbeddingsResponse(
    (Embedding(0, (0.5, struct.unpack("<f", struct.pack("<f", 0.1))[0])), Embedding(1, (1.0, -2.0)))
)


def test_vectors_come_as_numbers_of_32_bits():
    body = orjson.loads(
        embeddings_body(VECTORS, Settlement(usage=Usage(input_tokens=3, output_tokens=0)), ENVELOPE, as_base64=False)
    )
    CreateEmbeddingResponse.model_validate(body)
    assert [one["embedding"] for one in body["data"]] == [[0.5, 0.1], [1.0, -2.0]]
    assert body["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert body["model"] == "my/model"


def test_vectors_come_as_base64_when_asked_for():
    body = orjson.loads(embeddings_body(VECTORS, None, ENVELOPE, as_base64=True))
    assert struct.unpack("<2f", base64.b64decode(body["data"][1]["embedding"])) == (1.0, -2.0)


def test_models_are_listed():
    listed = ListedModel("my/model", 1_754_000_000, "acme")
    body = orjson.loads(model_list_body([listed, ListedModel("other")]))
    assert [Model.model_validate(one).id for one in body["data"]] == ["my/model", "other"]
    assert body["object"] == "list"
    assert orjson.loads(model_body(listed)) == {
        "id": "my/model",
        "object": "model",
        "created": 1_754_000_000,
        "owned_by": "acme",
    }


def test_data_of_several_lines_stays_one_event():
    events = [b'{"id":\n "x"}', b"{}"]
    assert [event.data for event in SSEDecoder().feed(relayed_events(events))] == events
    assert relayed_events([]) == b""


CHOICE, EMPTY, COUNTED = b'{"choices":[{"index":0}]}', b'{"choices":[]}', b'{"choices":[],"usage":{"prompt_tokens":1}}'
ACCOUNT = {"airegistry": {"target": "t", "attempts": 0}}


def told(*events, include_usage=False):
    written = relayed_end(events, Settlement(target="t"), include_usage=include_usage)
    return [orjson.loads(event.data) for event in SSEDecoder().feed(written)]


@pytest.mark.parametrize("include_usage", [False, True], ids=["not-asked-for", "asked-for"])
def test_a_relayed_end_has_the_account_in_its_last_choice_and_the_usage_for_who_asked(include_usage):
    choice, empty, counted = map(orjson.loads, (CHOICE, EMPTY, COUNTED))
    events = told(CHOICE, CHOICE, COUNTED, EMPTY, b"[DONE]", include_usage=include_usage)
    assert events == [choice, {**choice, **ACCOUNT}, *([counted] if include_usage else []), empty]


def test_a_relayed_end_without_a_choice_has_the_account_in_what_is_told_last():
    assert told(COUNTED, EMPTY, b'{"x":1}', b"[DONE]") == [orjson.loads(EMPTY), {"x": 1, **ACCOUNT}]
    assert told(b"[DONE]") == []
