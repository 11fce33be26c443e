"""The dialect `custom`: formats of made-up providers, written and read as their endpoints declare."""

import json
from dataclasses import replace
from typing import Any

import pytest

from airegistry.dialects.custom.dialect import Custom
from airegistry.errors import (
    ContentRefusedError,
    ContextLengthError,
    MalformedAnswerError,
    ProviderError,
    ProviderFailedError,
    ProviderRateLimitedError,
    TruncatedAnswerError,
    UnsupportedFieldError,
)
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import (
    ChatRequest,
    FinishReason,
    Message,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
)
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.kinds import ImageRequest, RerankRequest, RerankResult
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import Communication, CustomFormat, Endpoint, StreamFraming

PARROT = CustomFormat(
    request_template="""{
      "voice": {{ model | tojson }},
      "hear": [{% for m in messages %}{{ {"who": m.role, "said": m.text} | tojson }}{% if not loop.last %},{% endif %}{% endfor %}],
      "live": {{ stream }},
      "settings": {{ {"heat": temperature, "words": max_output_tokens, "stop": stop_sequences or none} | present | tojson }}
    }""",
    response_paths={
        "text": "reply.words",
        "thinking": "reply.musing",
        "finish_reason": "reply.why",
        "id": "ticket",
        "model": "voice",
        "usage.all_input_tokens": "count.heard",
        "usage.cache_read_tokens": "count.remembered",
        "usage.output_tokens": "count.spoken",
        "tool_calls": "reply.acts",
        "tool_calls.id": "ref",
        "tool_calls.name": "act",
        "tool_calls.arguments": "with",
    },
    stream_paths={
        "text": "w",
        "thinking": "m",
        "finish_reason": "why",
        "id": "ticket",
        "model": "voice",
        "usage.all_input_tokens": "count.heard",
        "usage.cache_read_tokens": "count.remembered",
        "usage.output_tokens": "count.spoken",
        "tool_calls": "acts",
        "tool_calls.id": "ref",
        "tool_calls.name": "act",
        "tool_calls.arguments": "with",
    },
    stream_end="[over]",
    finish_reasons={"tired": FinishReason.LENGTH},
    error_paths={"error": "squawk", "message": "squawk.text", "code": "squawk.kind", "retry_after": "squawk.rest"},
    error_reasons={"TOO_MUCH": "CONTEXT_LENGTH_EXCEEDED", "RUDE": "CONTENT_REFUSED"},
)


def endpoint(custom=PARROT, **communication):
    return Endpoint(
        provider="parrot",
        address="https://parrot.example/api/",
        upstream_model="polly",
        communication=Communication(dialect="custom", custom=custom, path="/speak", **communication),
    )


def dialect(custom=PARROT, **communication) -> Any:
    return Custom().of(endpoint(custom, **communication))


def said(*turns):
    return tuple(Message(role, (ContentBlock(TextBlock(text)),)) for role, text in turns)


CHAT = ChatRequest(messages=said((Role.SYSTEM, "Be brief."), (Role.USER, 'Say "hi"')))


def encoded(request=CHAT, custom=PARROT, *, stream=False, **communication) -> Any:
    return dialect(custom, **communication).encode(request, endpoint(custom, **communication), stream=stream)


def body(request=CHAT, custom=PARROT, **more) -> Any:
    return json.loads(encoded(request, custom, **more).call.body)


def test_a_request_is_written_as_the_template_says():
    request = replace(CHAT, temperature=0.5, stop_sequences=("END",))
    call = encoded(request, headers={"x-zoo": "1"}).call
    assert (call.method, call.url) == ("POST", "https://parrot.example/api/speak")
    assert call.headers == {"x-zoo": "1", "content-type": "application/json", "accept": "application/json"}
    assert json.loads(call.body) == {
        "voice": "polly",
        "hear": [{"who": "system", "said": "Be brief."}, {"who": "user", "said": 'Say "hi"'}],
        "live": False,
        "settings": {"heat": 0.5, "stop": ["END"]},
    }


def test_a_stream_may_have_a_path_of_its_own_and_another_method():
    custom = replace(PARROT, stream_path="/speak/live", method="PUT")
    call = encoded(custom=custom, stream=True).call
    assert (call.method, call.url) == ("PUT", "https://parrot.example/api/speak/live")
    assert call.headers["accept"] == "text/event-stream"
    assert json.loads(call.body)["live"] is True


def test_an_endpoint_that_does_not_stream_is_asked_for_the_whole_answer():
    whole = replace(PARROT, stream_paths={}, stream_end="")
    assert body(custom=whole, stream=True)["live"] is False
    decoder = dialect(whole).decoder(CHAT)
    assert [item for piece in (WHOLE[:9], WHOLE[9:]) for item in decoder.feed(piece)] == []
    assert assemble(decoder.close()) == assemble_whole()


def test_what_the_template_does_not_write_is_named():
    request = replace(CHAT, top_k=5, seed=1, user="u", extra={"mood": "good"})
    warned = {warning.path for warning in encoded(request).warnings}
    assert warned == {"chat.top_k", "chat.seed", "chat.user", "chat.extra.mood"}


def image():
    return ContentBlock(image=MediaBlock(url="https://pictures.example/a.png"))


def call_and_result():
    return (
        Message(Role.ASSISTANT, (ContentBlock(tool_call=ToolCall("c1", "look", "{}")),)),
        Message(Role.TOOL, (ContentBlock(tool_result=ToolResult("c1", (ContentBlock(TextBlock("a cat")),))),)),
    )


REFUSED = {
    "tools": (replace(CHAT, tools=(Tool("look"),)), "chat.tools"),
    "json": (replace(CHAT, response_format=ResponseFormat(ResponseFormatKind.JSON_OBJECT)), "chat.response_format"),
    "choices": (replace(CHAT, choice_count=2), "chat.choice_count"),
    "picture": (ChatRequest(messages=(Message(Role.USER, (image(),)),)), "chat.messages[0].content[0].image"),
    "call": (replace(CHAT, messages=CHAT.messages + call_and_result()), "chat.messages[2].content[0].tool_call"),
}


@pytest.mark.parametrize(("request_", "path"), REFUSED.values(), ids=REFUSED)
def test_what_changes_the_question_is_refused_when_the_template_does_not_write_it(request_, path):
    with pytest.raises(UnsupportedFieldError) as raised:
        encoded(request_)
    assert [violation.field for violation in raised.value.violations] == [path]


def test_thoughts_of_earlier_turns_are_left_out_with_a_warning():
    turn = Message(Role.ASSISTANT, (ContentBlock(thinking=ThinkingBlock("hm")), ContentBlock(TextBlock("Hello"))))
    warnings = encoded(replace(CHAT, messages=(*CHAT.messages, turn))).warnings
    assert [warning.path for warning in warnings] == ["chat.messages[2].content[0].thinking"]


def test_a_template_may_write_pictures_calls_and_results():
    template = """{"t": {{ turns | tojson }}, "tools": {{ tools | tojson }}, "sys": {{ system | tojson }}}"""
    custom = replace(PARROT, request_template=template)
    pictured = Message(Role.USER, (ContentBlock(TextBlock("see")), image()))
    request = ChatRequest(
        messages=(pictured, *call_and_result()), tools=(Tool("look", input_schema={"type": "object"}),)
    )
    written = body(request, custom)
    assert written["t"][0]["content"][1]["source"] == "https://pictures.example/a.png"
    assert written["t"][1]["tool_calls"] == [{"id": "c1", "name": "look", "arguments": "{}"}]
    assert (written["t"][2]["role"], written["t"][2]["tool_call_id"], written["t"][2]["text"]) == (
        "tool",
        "c1",
        "a cat",
    )
    assert written["tools"][0]["input_schema"] == {"type": "object"}


def test_bytes_of_a_picture_come_as_a_data_url():
    custom = replace(PARROT, request_template="{{ messages[0].content[0].source | tojson }}")
    block = ContentBlock(image=MediaBlock(data=b"\x00", media_type="image/png"))
    assert body(ChatRequest(messages=(Message(Role.USER, (block,)),)), custom) == "data:image/png;base64,AA=="


ONLY_PROMPT = replace(PARROT, request_template='{"q": {{ prompt | tojson }}}')


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (CHAT.messages, "system messages"),
        (said((Role.USER, "a"), (Role.ASSISTANT, "b"), (Role.USER, "c")), "one message of the user"),
    ],
    ids=["system", "several"],
)
def test_a_template_of_one_message_takes_no_conversation(messages, reason):
    with pytest.raises(UnsupportedFieldError, match=reason):
        encoded(ChatRequest(messages=messages), ONLY_PROMPT)
    assert body(ChatRequest(messages=said((Role.USER, "a"))), ONLY_PROMPT) == {"q": "a"}


def test_a_template_that_cannot_write_a_request_makes_the_endpoint_unfit_for_it():
    custom = replace(PARROT, request_template='{"q": {{ messages[5].text | tojson }}}')
    with pytest.raises(UnsupportedFieldError, match="cannot write this request: line 1"):
        encoded(custom=custom)


def test_a_form_is_sent_as_it_is_written():
    custom = replace(PARROT, request_template="q={{ messages[1].text | urlencode }}&s={{ system | urlencode }}")
    call = encoded(custom=custom, request_format="application/x-www-form-urlencoded").call
    assert call.body == b"q=Say%20%22hi%22&s=Be%20brief."
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"


WHOLE = json.dumps(
    {
        "ticket": "t-1",
        "voice": "polly-2",
        "reply": {
            "musing": "Hm.",
            "words": "Hi, hé! 😀",
            "why": "tired",
            "acts": [
                {"ref": "a", "act": "fly", "with": {"to": "Oslo"}},
                {"ref": "b", "act": "nap", "with": "{}"},
            ],
        },
        "count": {"heard": 10, "remembered": 4, "spoken": 5},
    },
    ensure_ascii=False,
).encode()
ITEMS: list[dict[str, Any]] = [
    {"ticket": "t-1", "voice": "polly-2", "m": "Hm."},
    {"w": "Hi, "},
    {"w": "hé! 😀"},
    {"acts": [{"ref": "a", "act": "fly", "with": '{"to":'}]},
    {"acts": [{"ref": "a", "with": '"Oslo"}'}, {"ref": "b", "act": "nap", "with": "{}"}]},
    {"why": "tired", "count": {"heard": 10, "remembered": 4, "spoken": 5}},
]


def sse(items, end=b"data: [over]\n\n"):
    return b"".join(b"data: " + json.dumps(item, ensure_ascii=False).encode() + b"\n\n" for item in items) + end


def assemble_whole(custom=PARROT):
    answer = dialect(custom).decode(CHAT, 200, {}, WHOLE)
    return answer.output, answer.usage


def read(pieces, custom=PARROT, **communication) -> list[Any]:
    decoder = dialect(custom, **communication).decoder(CHAT)
    items = [item for piece in pieces for item in decoder.feed(piece)]
    return [*items, *decoder.close()]


def test_a_whole_answer_is_read_at_the_declared_paths():
    response, usage = assemble_whole()
    (choice,) = response.choices
    assert [block.thinking and block.thinking.text for block in choice.message.content][:1] == ["Hm."]
    assert response.text == "Hi, hé! 😀"
    calls = [block.tool_call for block in choice.message.content if block.tool_call]
    assert [(call.id, call.name, json.loads(call.arguments)) for call in calls] == [
        ("a", "fly", {"to": "Oslo"}),
        ("b", "nap", {}),
    ]
    assert (choice.finish_reason, choice.upstream_finish_reason) == (FinishReason.LENGTH, "tired")
    assert (response.upstream_id, response.upstream_model) == ("t-1", "polly-2")
    assert usage == Usage(input_tokens=6, cache_read_tokens=4, output_tokens=5)


NDJSON = replace(PARROT, stream_framing=StreamFraming.NDJSON, stream_end="")
STREAMS = {
    "sse": (sse(ITEMS), PARROT),
    "sse-without-its-mark": (sse(ITEMS, b""), PARROT),
    "lines": (b"".join(json.dumps(item).encode() + b"\n" for item in ITEMS), NDJSON),
}


@pytest.mark.parametrize(("wire", "custom"), STREAMS.values(), ids=STREAMS)
def test_a_stream_gives_the_same_answer_wherever_it_is_cut(wire, custom):
    expected = assemble_whole()
    for cut in range(len(wire) + 1):
        assert assemble(read([wire[:cut], wire[cut:]], custom)) == expected, f"cut at byte {cut}"


@pytest.mark.parametrize(("wire", "custom"), STREAMS.values(), ids=STREAMS)
def test_a_stream_that_ends_early_is_never_whole(wire, custom):
    expected = assemble_whole()[0].choices
    for end in range(len(wire)):
        try:
            items = read([wire[:end]], custom)
        except ProviderError:
            continue
        assert assemble(items)[0].choices == expected, f"ended at byte {end}"


def test_a_stream_with_a_mark_needs_no_finish_reason():
    custom = replace(PARROT, stream_paths={"text": "w"})
    response, _ = assemble(read([sse([{"w": "Hi"}])], custom))
    assert (response.text, response.choices[0].finish_reason) == ("Hi", FinishReason.STOP)
    with pytest.raises(TruncatedAnswerError):
        read([sse([{"w": "Hi"}], b"")], custom)


def test_a_whole_answer_in_the_place_of_a_stream_is_read_as_one():
    assert assemble(read([WHOLE])) == assemble_whole()


def test_calls_without_numbers_or_ids_begin_with_their_names():
    paths = {"tool_calls": "act", "tool_calls.name": "n", "tool_calls.arguments": "a", "finish_reason": "why"}
    custom = replace(PARROT, stream_paths=paths)
    items = [{"act": {"n": "fly", "a": "{"}}, {"act": {"a": "}"}}, {"act": {"n": "fly", "a": "{}"}}, {"why": "done"}]
    response: Any = assemble(read([sse(items)], custom))[0]
    calls = [block.tool_call for block in response.choices[0].message.content]
    assert [(call.name, call.arguments) for call in calls if call] == [("fly", "{}"), ("fly", "{}")]
    assert len({call.id for call in calls if call}) == 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"<html>", "HTML"),
        (b'{"reply": {"words": 5, "why": "stop"}}', "for text is no text"),
        (b'{"reply": {"words": "half"}}', "ended without a finish_reason"),
        (b'{"count": {"heard": -1}, "reply": {"words": "x", "why": "stop"}}', "not negative"),
    ],
)
def test_an_answer_of_another_shape_is_malformed(answer, reason):
    with pytest.raises(MalformedAnswerError, match=reason):
        dialect().decode(CHAT, 200, {}, answer)


def test_nothing_at_the_declared_paths_is_malformed():
    custom = replace(PARROT, response_paths={"text": "reply.words"})
    with pytest.raises(MalformedAnswerError, match="nothing at the paths"):
        dialect(custom).decode(CHAT, 200, {}, b'{"reply": {}}')


def squawk(**fields):
    return json.dumps({"squawk": fields}).encode()


@pytest.mark.parametrize(
    ("status", "answer", "error", "words", "wait"),
    [
        (400, squawk(text="too much", kind="TOO_MUCH"), ContextLengthError, "too much", None),
        (400, squawk(text="shame", kind="RUDE"), ContentRefusedError, "shame", None),
        (429, squawk(text="slow down", kind="BUSY", rest=3), ProviderRateLimitedError, "slow down", 3.0),
        (500, b"<title>Bad day</title>", ProviderFailedError, "an HTML page: Bad day", None),
        (400, squawk(text="maximum context length is 8", kind="X"), ContextLengthError, "maximum context", None),
    ],
)
def test_errors_are_read_by_declared_words_else_by_the_usual_ones(status, answer, error, words, wait):
    found = dialect().error(status, {}, answer)
    assert type(found) is error
    assert words in found.message
    assert (found.http_status, found.retry_after) == (status, wait)


def test_an_error_inside_of_a_whole_answer_or_a_stream_is_one():
    refused = squawk(text="shame", kind="RUDE")
    with pytest.raises(ContentRefusedError, match="shame"):
        dialect().decode(CHAT, 200, {}, refused)
    decoder = dialect().decoder(CHAT)
    assert len(decoder.feed(sse(ITEMS[1:2], b""))) == 2
    with pytest.raises(ContentRefusedError, match="shame"):
        decoder.feed(b"data: " + refused + b"\n\n")


def test_a_key_in_an_error_is_not_shown():
    found = dialect().error(401, {}, squawk(text="no: sk-abcdef1234567890", kind="KEY"))
    assert "abcdef1234567890" not in f"{found.message} {found.metadata}"


def test_embeddings_are_read_in_the_order_of_their_inputs():
    custom = CustomFormat(
        request_template='{"in": {{ inputs | tojson }}}',
        response_paths={"embeddings": "rows[].v", "usage.input_tokens": "n"},
    )
    request = EmbeddingsRequest(inputs=(EmbeddingInput("a"), EmbeddingInput("b")))
    assert body(request, custom) == {"in": ["a", "b"]}
    answer = dialect(custom).decode(request, 200, {}, b'{"rows": [{"v": [0.5, 1]}, {"v": [2, 3]}], "n": 4}')
    output: Any = answer.output
    assert [one.values for one in output.embeddings] == [(0.5, 1.0), (2.0, 3.0)]
    assert answer.usage == Usage(input_tokens=4, output_tokens=0)
    with pytest.raises(MalformedAnswerError, match="1 vectors for 2 inputs"):
        dialect(custom).decode(request, 200, {}, b'{"rows": [{"v": [0.5, 1]}]}')


def test_images_are_read_as_urls_data_urls_and_base64():
    custom = CustomFormat(request_template='{"p": {{ prompt | tojson }}}', response_paths={"images": "out"})
    request = ImageRequest(prompt="a cat")
    assert body(request, custom) == {"p": "a cat"}
    answer = b'{"out": ["https://i.example/1.png", "data:image/png;base64,AA==", "AQ=="]}'
    output: Any = dialect(custom).decode(request, 200, {}, answer).output
    assert output.images == (
        MediaBlock(url="https://i.example/1.png"),
        MediaBlock(data=b"\x00", media_type="image/png"),
        MediaBlock(data=b"\x01"),
    )


def test_documents_are_ordered_by_score():
    paths = {"results": "r", "results.index": "i", "results.score": "s"}
    custom = CustomFormat(
        request_template='{"q": {{ query | tojson }}, "d": {{ documents | tojson }}}', response_paths=paths
    )
    request = RerankRequest(query="q", documents=("x", "y"))
    assert body(request, custom) == {"q": "q", "d": ["x", "y"]}
    output: Any = dialect(custom).decode(request, 200, {}, b'{"r": [{"i": 0, "s": 0.1}, {"i": 1, "s": 0.9}]}').output
    assert output.results == (RerankResult(1, 0.9), RerankResult(0, 0.1))


def test_a_kind_without_a_path_to_its_answer_is_refused():
    with pytest.raises(UnsupportedFieldError, match="no path to what answers a embeddings request"):
        encoded(EmbeddingsRequest(inputs=(EmbeddingInput("a"),)))


def test_a_format_that_does_not_compile_makes_the_endpoint_unfit():
    with pytest.raises(UnsupportedFieldError, match="is of no use here"):
        dialect(replace(PARROT, request_template="{{ promt }}"))
