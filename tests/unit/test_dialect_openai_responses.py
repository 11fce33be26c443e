"""Conversations as requests of the Responses API, and what a caller wrote of them."""

import base64

import orjson
import pytest

from airegistry.dialects.openai_responses.dialect import OpenAIResponses
from airegistry.errors import (
    ContentRefusedError,
    InvalidArgumentError,
    ProviderRateLimitedError,
    ProviderRejectedError,
    UnsupportedFieldError,
)
from airegistry.invocations.chat import (
    ChatDelta,
    ChatRequest,
    FinishReason,
    Message,
    Reasoning,
    ResponseFormat,
    ResponseFormatKind,
    Role,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
    ToolResult,
)
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.invocations.streaming import WireSeen
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Capability

ENDPOINT = Endpoint(address="https://a/v1", upstream_model="gpt-6")
OPEN_THOUGHTS = Endpoint(address="https://a/v1", capabilities={"reasoning_content": Capability(supported=True)})
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


def text(words, *annotations):
    return ContentBlock(text=TextBlock(words, annotations))


def said(*blocks, role=Role.USER, **facts):
    return Message(role, tuple(text(b) if isinstance(b, str) else b for b in blocks), **facts)


HELLO = said("Hello")


def encode(request, endpoint=ENDPOINT, *, stream=False, wire=None):
    encoded = OpenAIResponses().encode(request, endpoint, stream=stream, wire=wire)
    return orjson.loads(encoded.call.body), [warning.path for warning in encoded.warnings], encoded.call


def items(*messages, endpoint=ENDPOINT):
    body, warnings, _ = encode(ChatRequest(messages=messages), endpoint)
    return body["input"], warnings


def test_the_least_that_can_be_asked():
    body, warnings, call = encode(ChatRequest(messages=(HELLO,)))
    assert (call.method, call.url, call.headers["accept"]) == ("POST", "https://a/v1/responses", "application/json")
    assert body == {
        "model": "gpt-6",
        "input": [{"type": "message", "role": "user", "content": "Hello"}],
        "store": False,
    }
    assert warnings == []
    assert encode(ChatRequest(messages=(HELLO,)), stream=True)[0]["stream"] is True
    elsewhere = Endpoint(address="https://a", communication=Communication(path="/openai/v1/responses"))
    assert encode(ChatRequest(messages=(HELLO,)), elsewhere)[2].url == "https://a/openai/v1/responses"


def test_every_option_has_its_field():
    request = ChatRequest(
        messages=(HELLO,),
        max_output_tokens=16,
        temperature=0.5,
        top_p=0.9,
        tools=(Tool("go", "Goes.", SCHEMA, strict=True), Tool("stop")),
        tool_choice=ToolChoice(ToolChoiceMode.NAMED, "go"),
        parallel_tool_calls=False,
        response_format=ResponseFormat(ResponseFormatKind.JSON_SCHEMA, SCHEMA, "out", strict=True, description="d"),
        reasoning=Reasoning(effort="high", include_thoughts=True),
        top_logprobs=2,
        user="u",
        choice_count=1,
        output_modalities=("text",),
        extra={"metadata": {"a": "b"}, "service_tier": "flex", "safety_identifier": "s"},
    )
    body, warnings, _ = encode(request)
    assert warnings == []
    del body["input"]
    assert body == {
        "model": "gpt-6",
        "max_output_tokens": 16,
        "temperature": 0.5,
        "top_p": 0.9,
        "tools": [
            {"type": "function", "name": "go", "description": "Goes.", "parameters": SCHEMA, "strict": True},
            {"type": "function", "name": "stop", "parameters": {"type": "object", "properties": {}}, "strict": False},
        ],
        "tool_choice": {"type": "function", "name": "go"},
        "parallel_tool_calls": False,
        "text": {
            "format": {"type": "json_schema", "name": "out", "schema": SCHEMA, "strict": True, "description": "d"}
        },
        "reasoning": {"effort": "high", "summary": "auto"},
        "top_logprobs": 2,
        "user": "u",
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
        "store": False,
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "safety_identifier": "s",
    }


@pytest.mark.parametrize(
    ("mode", "word"),
    [(ToolChoiceMode.AUTO, "auto"), (ToolChoiceMode.NONE, "none"), (ToolChoiceMode.REQUIRED, "required")],
)
def test_whether_to_call_a_tool_is_a_word(mode, word):
    assert encode(ChatRequest(messages=(HELLO,), tool_choice=ToolChoice(mode)))[0]["tool_choice"] == word


@pytest.mark.parametrize(
    ("kind", "word"), [(ResponseFormatKind.TEXT, "text"), (ResponseFormatKind.JSON_OBJECT, "json_object")]
)
def test_a_form_without_a_schema_is_a_word(kind, word):
    body, _, _ = encode(ChatRequest(messages=(HELLO,), response_format=ResponseFormat(kind)))
    assert body["text"] == {"format": {"type": word}}


@pytest.mark.parametrize(
    ("reasoning", "include"),
    [
        (None, None),
        (Reasoning(), None),
        (Reasoning(effort="none"), None),
        (Reasoning(effort="low"), ["reasoning.encrypted_content"]),
        (Reasoning(include_thoughts=True), ["reasoning.encrypted_content"]),
    ],
    ids=["nothing", "empty", "no-effort", "effort", "thoughts"],
)
def test_thoughts_are_asked_for_only_of_those_who_think(reasoning, include):
    assert encode(ChatRequest(messages=(HELLO,), reasoning=reasoning))[0].get("include") == include


def test_instructions_are_a_plain_beginning_of_the_systems():
    body, _, _ = encode(ChatRequest(messages=(said("Be brief.", role=Role.SYSTEM), HELLO)))
    assert body["instructions"] == "Be brief."
    assert [item["role"] for item in body["input"]] == ["user"]


@pytest.mark.parametrize(
    ("messages", "roles"),
    [
        ((said("Be", "brief.", role=Role.SYSTEM), HELLO), ["system", "user"]),
        ((HELLO, said("Be brief.", role=Role.SYSTEM)), ["user", "system"]),
        ((said("Be brief.", role=Role.SYSTEM),), ["system"]),
    ],
    ids=["in-parts", "later", "nothing-else"],
)
def test_other_words_of_the_systems_stay_where_they_are(messages, roles):
    body, _, _ = encode(ChatRequest(messages=messages))
    assert "instructions" not in body
    assert [item["role"] for item in body["input"]] == roles


def test_a_conversation_with_thoughts_calls_and_results_is_items():
    answer = said(
        ContentBlock(thinking=ThinkingBlock("Ask.", "openai.responses:gAAA")),
        "I look.",
        ContentBlock(refusal=RefusalBlock("Not all.")),
        ContentBlock(tool_call=ToolCall("c1", "go", '{"a":"b"}')),
        ContentBlock(tool_call=ToolCall("c2", "stop")),
        role=Role.ASSISTANT,
    )
    results = said(
        ContentBlock(tool_result=ToolResult("c1", (text("3"),))),
        ContentBlock(tool_result=ToolResult("c2", (text("a"), ContentBlock(image=MediaBlock(url="https://b"))))),
        role=Role.TOOL,
    )
    sent, warnings = items(HELLO, answer, results, said("Done.", role=Role.ASSISTANT))
    assert warnings == []
    assert sent[1:] == [
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Ask."}],
            "encrypted_content": "gAAA",
        },
        {
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "I look.", "annotations": []},
                {"type": "refusal", "refusal": "Not all."},
            ],
        },
        {"type": "function_call", "call_id": "c1", "name": "go", "arguments": '{"a":"b"}'},
        {"type": "function_call", "call_id": "c2", "name": "stop", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "3"},
        {
            "type": "function_call_output",
            "call_id": "c2",
            "output": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "detail": "auto", "image_url": "https://b"},
            ],
        },
        {"type": "message", "role": "assistant", "content": "Done."},
    ]


def test_thoughts_that_were_signed_are_asked_for_again():
    thought = said(ContentBlock(thinking=ThinkingBlock("", "openai.responses:gAAA")), role=Role.ASSISTANT)
    body, _, _ = encode(ChatRequest(messages=(HELLO, thought, HELLO)))
    assert body["include"] == ["reasoning.encrypted_content"]
    assert body["input"][1] == {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}


@pytest.mark.parametrize("signature", ["gemini:gAAA", "EqQBCk"], ids=["marked", "bare"])
def test_a_signature_of_another_provider_is_not_sent(signature):
    sent, warnings = items(HELLO, said(ContentBlock(thinking=ThinkingBlock("Hm.", signature)), role=Role.ASSISTANT))
    assert len(sent) == 1
    assert warnings == ["chat.messages[1].content[0].thinking"]


def test_thoughts_in_the_open_go_to_those_who_take_them():
    thought = said(ContentBlock(thinking=ThinkingBlock("Hm.")), "Yes", role=Role.ASSISTANT)
    sent, warnings = items(HELLO, thought)
    assert ([item["type"] for item in sent], warnings) == (["message"] * 2, ["chat.messages[1].content[0].thinking"])
    sent, warnings = items(HELLO, thought, endpoint=OPEN_THOUGHTS)
    assert sent[1] == {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    assert warnings == []


def test_results_of_tools_go_before_what_else_is_said():
    sent, _ = items(said("And now?", ContentBlock(tool_result=ToolResult("c", (text("3"),)))))
    assert [item["type"] for item in sent] == ["function_call_output", "message"]


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (
            ContentBlock(image=MediaBlock(data=b"\x89P", media_type="image/png", detail="low")),
            {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,iVA="},
        ),
        (
            ContentBlock(image=MediaBlock(file_id="f")),
            {"type": "input_image", "detail": "auto", "file_id": "f"},
        ),
        (
            ContentBlock(audio=MediaBlock(data=b"x", media_type="audio/mpeg")),
            {"type": "input_audio", "input_audio": {"data": "eA==", "format": "mp3"}},
        ),
        (
            ContentBlock(file=MediaBlock(data=b"x", media_type="application/pdf", filename="a.pdf")),
            {"type": "input_file", "file_data": "data:application/pdf;base64,eA==", "filename": "a.pdf"},
        ),
        (ContentBlock(file=MediaBlock(url="https://b")), {"type": "input_file", "file_url": "https://b"}),
        (ContentBlock(file=MediaBlock(file_id="f")), {"type": "input_file", "file_id": "f"}),
    ],
    ids=["image-bytes", "image-id", "sound", "file-bytes", "file-url", "file-id"],
)
def test_media_are_parts(block, part):
    assert items(said("Look:", block))[0][0]["content"] == [{"type": "input_text", "text": "Look:"}, part]
    assert items(said(block))[0][0]["content"] == [part]


FLAT = {"type": "url_citation", "url": "https://b", "title": "B", "start_index": 0, "end_index": 1}
NESTED = {"type": "url_citation", "url_citation": {name: FLAT[name] for name in FLAT if name != "type"}}


def test_annotations_go_back_in_this_formats_form():
    sent, warnings = items(HELLO, said(text("B", FLAT, NESTED), role=Role.ASSISTANT))
    assert sent[1]["content"] == [{"type": "output_text", "text": "B", "annotations": [FLAT, FLAT]}]
    assert warnings == []
    sent, warnings = items(HELLO, said(text("B", {"type": "odd"}, {"type": "url_citation"}), role=Role.ASSISTANT))
    assert sent[1]["content"] == "B"
    assert warnings == ["chat.messages[1].content[0].text.annotations"]


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"seed": 1}, "chat.seed"),
        ({"max_output_tokens": 15}, "chat.max_output_tokens"),
        ({"presence_penalty": 1.0}, "chat.presence_penalty"),
        ({"frequency_penalty": 1.0}, "chat.frequency_penalty"),
        ({"top_k": 5}, "chat.top_k"),
        ({"reasoning": Reasoning(max_tokens=5)}, "chat.reasoning.max_tokens"),
        ({"tools": (Tool("go", cache_control="1h"),)}, "chat.tools[0].cache_control"),
        ({"messages": (said("x", name="Ann"),)}, "chat.messages[0].name"),
        (
            {"messages": (said(ContentBlock(text=TextBlock("x"), cache_control="1h")),)},
            "chat.messages[0].content[0].cache_control",
        ),
        ({"messages": (said(text("x", FLAT)),)}, "chat.messages[0].content[0].text.annotations"),
        (
            {"messages": (said(ContentBlock(tool_result=ToolResult("c", (text("x"),), is_error=True))),)},
            "chat.messages[0].content[0].tool_result.is_error",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_place_is_named(facts, path):
    assert encode(ChatRequest(**{"messages": (HELLO,)} | facts))[1] == [path]


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"choice_count": 2}, "chat.choice_count"),
        ({"stop_sequences": ("x",)}, "chat.stop_sequences"),
        ({"output_modalities": ("text", "audio")}, "chat.output_modalities"),
        ({"messages": (said(ContentBlock(video=MediaBlock(url="https://b"))),)}, "chat.messages[0].content[0].video"),
        ({"messages": (said(ContentBlock(audio=MediaBlock(url="https://b"))),)}, "chat.messages[0].content[0].audio"),
        (
            {"messages": (said(ContentBlock(image=MediaBlock(url="https://b")), role=Role.ASSISTANT),)},
            "chat.messages[0].content[0]",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_change_the_answer_is_refused(facts, path):
    with pytest.raises(UnsupportedFieldError) as refused:
        encode(ChatRequest(**{"messages": (HELLO,)} | facts))
    assert [violation.field for violation in refused.value.violations] == [path]


def test_no_limit_is_sent_that_the_api_refuses():
    assert encode(ChatRequest(messages=(HELLO,), max_output_tokens=1))[0]["max_output_tokens"] == 16


def test_a_turn_must_be_somebodys():
    with pytest.raises(InvalidArgumentError, match="role"):
        encode(ChatRequest(messages=(said("x", role=Role.TOOL),)))


def test_extra_adds_to_what_the_request_says_of_the_same():
    form = ResponseFormat(ResponseFormatKind.TEXT)
    extra = {"tools": [{"type": "web_search"}], "text": {"verbosity": "low"}, "store": True, "include": ["x"]}
    request = ChatRequest(messages=(HELLO,), tools=(Tool("go"),), response_format=form, top_logprobs=0, extra=extra)
    body, _, _ = encode(request)
    assert [tool["type"] for tool in body["tools"]] == ["function", "web_search"]
    assert body["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert body["include"] == ["message.output_text.logprobs", "x"]
    assert body["store"] is True


@pytest.mark.parametrize(
    "extra", [{"model": "x"}, {"input": "x"}, {"temperature": 1}, {"text": {"format": {}}}, {"text": 1}]
)
def test_extra_cannot_contradict_the_request(extra):
    form = ResponseFormat(ResponseFormatKind.TEXT)
    with pytest.raises(InvalidArgumentError, match=r"chat\.extra\."):
        encode(ChatRequest(messages=(HELLO,), response_format=form, extra=extra))


WIRE = b'{"input": "Hello", "model": "r", "odd": 1.10, "stream": false, "reasoning": {"effort": "low", "mode": "pro"}}'


def wire_of(request, wire=WIRE, *, stream=False):
    return OpenAIResponses().encode(request, ENDPOINT, stream=stream, wire=wire).call.body


def test_what_its_caller_wrote_goes_out_byte_for_byte():
    request = ChatRequest(messages=(HELLO,), reasoning=Reasoning(effort="low"))
    assert wire_of(request) == (
        b'{"input":"Hello","odd":1.10,"reasoning":{"effort": "low", "mode": "pro"},"model":"gpt-6"}'
    )
    assert wire_of(request, stream=True).endswith(b',"model":"gpt-6","stream":true}')


def test_what_a_route_changes_is_changed_in_the_callers_words():
    request = ChatRequest(messages=(HELLO,), max_output_tokens=5, temperature=0.5, reasoning=Reasoning(effort="high"))
    assert orjson.loads(wire_of(request)) == {
        "input": "Hello",
        "odd": 1.1,
        "model": "gpt-6",
        "max_output_tokens": 5,
        "temperature": 0.5,
        "reasoning": {"effort": "high", "mode": "pro"},
    }


@pytest.mark.parametrize("wire", [b"[]", b"{"])
def test_what_is_no_object_cannot_be_passed_on(wire):
    with pytest.raises(InvalidArgumentError):
        wire_of(ChatRequest(messages=(HELLO,), reasoning=Reasoning(effort="high")), wire)


def event(**value):
    return b"data: " + orjson.dumps(value) + b"\n\n"


def test_an_item_that_is_numbered_and_named_otherwise_in_the_end_does_not_come_twice():
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    streamed = {"output_index": 3, "item": {**item, "id": "a"}}
    end = {"type": "response.completed", "response": {"output": [{**item, "id": "b"}]}}
    decoder = OpenAIResponses().decoder(ChatRequest())
    items = decoder.feed(event(type="response.output_item.done", **streamed) + event(**end)) + decoder.close()
    assert [one.text for one in items if isinstance(one, ChatDelta) and one.text] == ["Hi"]


def test_events_go_on_as_they_came_unless_they_lack_their_numbers():
    created = {"type": "response.created", "response": {"id": "r"}}
    delta = {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi", "odd": 1}
    end = {"type": "response.completed", "response": {"id": "r", "output": []}}
    numbered = OpenAIResponses().decoder(ChatRequest(), relay=True)
    items = numbered.feed(event(**created, sequence_number=0) + event(**delta) + event(**end)) + numbered.close()
    told = [orjson.loads(item.data) for item in items if isinstance(item, WireSeen)]
    assert [one["type"] for one in told] == [created["type"], delta["type"], end["type"]]
    assert told[1]["odd"] == 1
    assert not any(isinstance(item, ChatDelta) for item in items)
    bare = OpenAIResponses().decoder(ChatRequest(), relay=True)
    items = bare.feed(event(**created) + event(**delta) + event(**end)) + bare.close()
    assert not any(isinstance(item, WireSeen) for item in items)
    assert [item.text for item in items if isinstance(item, ChatDelta) and item.text] == ["Hi"]
    assert [item.finish_reason for item in items if isinstance(item, ChatDelta)][-1] is FinishReason.STOP


def test_other_kinds_are_refused():
    dialect = OpenAIResponses()
    assert dialect.speaks(ChatRequest())
    assert not dialect.speaks(EmbeddingsRequest())
    with pytest.raises(UnsupportedFieldError):
        dialect.encode(EmbeddingsRequest(), ENDPOINT, stream=False)
    with pytest.raises(UnsupportedFieldError):
        dialect.decoder(EmbeddingsRequest())


def failed(code):
    error = {"code": code, "message": "no"}
    return orjson.dumps({"object": "response", "status": "failed", "output": [], "error": error})


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        ("rate_limit_exceeded", ProviderRateLimitedError),
        ("invalid_prompt", ContentRefusedError),
        ("image_content_policy_violation", ContentRefusedError),
        ("image_too_large", ProviderRejectedError),
        ("failed_to_download_image", ProviderRejectedError),
    ],
)
def test_a_failed_response_is_the_error_that_it_tells(code, cls):
    with pytest.raises(cls):
        OpenAIResponses().decode(ChatRequest(), 200, {}, failed(code))


def test_a_status_without_success_is_an_error():
    with pytest.raises(ProviderRateLimitedError):
        OpenAIResponses().decode(ChatRequest(), 429, {}, b"{}")


def test_bytes_of_media_are_what_they_were():
    sent, _ = items(said(ContentBlock(image=MediaBlock(data=bytes(range(256)), media_type="image/png"))))
    url = sent[0]["content"][0]["image_url"]
    assert base64.b64decode(url.partition(",")[2]) == bytes(range(256))
