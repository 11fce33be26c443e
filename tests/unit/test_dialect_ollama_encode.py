"""What an Ollama is asked."""

import base64
import json

import pytest

from airegistry.dialects.ollama.chat import OllamaChat
from airegistry.dialects.ollama.relays import OwnWords
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import (
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
from airegistry.invocations.kinds import RawRequest
from tests.blocks import text, turn
from tests.ollama_requests import HOST, PNG, SCHEMA, asked, at, body, encoded, lost


def test_a_question_is_a_post_to_api_chat():
    call = encoded(asked()).call
    assert (call.method, call.url) == ("POST", f"{HOST}/api/chat")
    assert json.loads(call.body) == {
        "model": "llama3.2",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
    }


def test_a_stream_is_asked_for_and_named():
    call = encoded(asked(), stream=True).call
    assert json.loads(call.body)["stream"] is True
    assert call.headers["accept"] == "application/x-ndjson"


def test_a_declared_path_is_used():
    assert encoded(asked(), at(path="/ollama/api/chat")).call.url == f"{HOST}/ollama/api/chat"


def test_sampling_goes_into_options():
    request = asked(
        max_output_tokens=7,
        temperature=0.0,
        top_p=0.5,
        top_k=3,
        seed=0,
        stop_sequences=("a", "b"),
        presence_penalty=0.25,
        frequency_penalty=-0.25,
    )
    assert body(request)["options"] == {
        "num_predict": 7,
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 3,
        "seed": 0,
        "stop": ["a", "b"],
        "presence_penalty": 0.25,
        "frequency_penalty": -0.25,
    }


def test_what_runs_a_model_comes_from_extra_and_finds_its_place():
    extra = {"num_ctx": 8192, "options": {"mirostat": 1}, "keep_alive": "10m", "truncate": False, "shift": False}
    wire = body(asked(extra=extra, seed=1))
    assert wire["options"] == {"seed": 1, "num_ctx": 8192, "mirostat": 1}
    assert (wire["keep_alive"], wire["truncate"], wire["shift"]) == ("10m", False, False)
    assert lost(asked(extra=extra)) == []


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        ({"think": True}, "chat.extra.think"),
        ({"format": "json"}, "chat.extra.format"),
        ({"options": {"temperature": 1}}, "chat.extra.options.temperature"),
        ({"options": {"stop": []}}, "chat.extra.options.stop"),
        ({"options": 3}, "chat.extra.options"),
    ],
    ids=["think", "format", "temperature", "stop", "options"],
)
def test_extra_does_not_repeat_the_request(extra, path):
    with pytest.raises(InvalidArgumentError) as caught:
        encoded(asked(extra=extra))
    assert caught.value.violations[0].field == path


def test_an_image_is_bare_base64_and_text_stays_one():
    message = turn(Role.USER, "What", ContentBlock(image=MediaBlock(data=PNG, media_type="image/png")), "is it?")
    assert body(asked(message))["messages"] == [
        {"role": "user", "content": "What\nis it?", "images": [base64.b64encode(PNG).decode()]}
    ]


@pytest.mark.parametrize(
    ("block", "path"),
    [
        (ContentBlock(image=MediaBlock(url="https://example.com/a.png")), "image.url"),
        (ContentBlock(image=MediaBlock(file_id="f")), "image.file_id"),
        (ContentBlock(audio=MediaBlock(data=b"x", media_type="audio/wav")), "audio"),
        (ContentBlock(file=MediaBlock(data=b"x", media_type="application/pdf")), "file"),
    ],
    ids=["image-by-url", "image-by-id", "audio", "file"],
)
def test_media_that_cannot_be_said_are_refused_by_path(block, path):
    with pytest.raises(UnsupportedFieldError) as caught:
        encoded(asked(turn(Role.USER, "Look", block)))
    assert caught.value.violations[0].field == f"chat.messages[0].content[1].{path}"


def test_tools_calls_and_their_results():
    messages = (
        turn(Role.USER, "Weather?"),
        turn(
            Role.ASSISTANT,
            ContentBlock(thinking=ThinkingBlock("Hm.")),
            ContentBlock(
                tool_call=ToolCall("call_1", "weather", '{"city":"Lima","big":123456789012345678901234567890}')
            ),
            ContentBlock(tool_call=ToolCall("call_2", "time", "")),
        ),
        turn(
            Role.TOOL,
            ContentBlock(tool_result=ToolResult("call_2", (text("noon"),))),
            ContentBlock(tool_result=ToolResult("call_1", (text("warm"),))),
        ),
    )
    request = asked(*messages, tools=(Tool("weather", "Tells it.", SCHEMA), Tool("time")))
    wire = body(request)
    assert wire["tools"] == [
        {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}},
        {
            "type": "function",
            "function": {"name": "time", "description": "", "parameters": {"type": "object", "properties": {}}},
        },
    ]
    assert wire["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "thinking": "Hm.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "function": {
                        "index": 0,
                        "name": "weather",
                        "arguments": {"city": "Lima", "big": 123456789012345678901234567890},
                    },
                },
                {"id": "call_2", "function": {"index": 1, "name": "time", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "noon", "tool_call_id": "call_2", "tool_name": "time"},
        {"role": "tool", "content": "warm", "tool_call_id": "call_1", "tool_name": "weather"},
    ]
    assert b"123456789012345678901234567890" in encoded(request).call.body


def test_a_tool_is_named_by_the_nearest_call_of_its_id():
    def round_of(name):
        return (
            turn(Role.ASSISTANT, ContentBlock(tool_call=ToolCall("call_0", name, "{}"))),
            turn(Role.TOOL, ContentBlock(tool_result=ToolResult("call_0", (text("ok"),)))),
        )

    wire = body(asked(turn(Role.USER, "Go"), *round_of("first"), *round_of("second")))
    assert [message.get("tool_name") for message in wire["messages"]] == [None, None, "first", None, "second"]


@pytest.mark.parametrize("arguments", ["[1]", "{", '"x"', "nonsense"])
def test_arguments_that_are_no_object_are_refused(arguments):
    call = ContentBlock(tool_call=ToolCall("c", "f", arguments))
    with pytest.raises(UnsupportedFieldError) as caught:
        encoded(asked(turn(Role.USER, "Go"), turn(Role.ASSISTANT, call)))
    assert caught.value.violations[0].field == "chat.messages[1].content[0].tool_call.arguments"


@pytest.mark.parametrize("mode", [ToolChoiceMode.REQUIRED, ToolChoiceMode.NAMED])
def test_a_forced_tool_is_refused(mode):
    name = "f" if mode is ToolChoiceMode.NAMED else ""
    with pytest.raises(UnsupportedFieldError, match=r"chat\.tool_choice"):
        encoded(asked(tools=(Tool("f"),), tool_choice=ToolChoice(mode, name)))


def test_without_a_choice_of_tools_none_is_shown():
    request = asked(tools=(Tool("f"),), tool_choice=ToolChoice(ToolChoiceMode.NONE))
    assert "tools" not in body(request)
    assert "tools" in body(asked(tools=(Tool("f"),), tool_choice=ToolChoice(ToolChoiceMode.AUTO)))


@pytest.mark.parametrize(
    ("form", "wire"),
    [
        (ResponseFormat(ResponseFormatKind.TEXT), None),
        (ResponseFormat(ResponseFormatKind.JSON_OBJECT), "json"),
        (ResponseFormat(ResponseFormatKind.JSON_SCHEMA, json_schema=SCHEMA, name="x", strict=True), SCHEMA),
    ],
    ids=["text", "json", "schema"],
)
def test_the_form_of_an_answer(form, wire):
    assert body(asked(response_format=form)).get("format") == wire
    assert lost(asked(response_format=form)) == []


@pytest.mark.parametrize(
    ("reasoning", "capabilities", "wire", "warned"),
    [
        (Reasoning(effort="none"), (), False, []),
        (Reasoning(effort="high"), (), True, ["chat.reasoning.effort"]),
        (Reasoning(effort="high"), ("think_levels",), "high", []),
        (Reasoning(include_thoughts=True), (), True, []),
        (Reasoning(max_tokens=100), (), None, ["chat.reasoning.max_tokens"]),
        (Reasoning(effort="none", include_thoughts=False), (), False, []),
        (Reasoning(include_thoughts=False), (), None, ["chat.reasoning.include_thoughts"]),
    ],
    ids=["none", "on", "level", "thoughts", "budget", "off", "hidden"],
)
def test_thinking(reasoning, capabilities, wire, warned):
    request, endpoint = asked(reasoning=reasoning), at(capabilities)
    assert body(request, endpoint).get("think") == wire
    assert lost(request, endpoint) == warned


def test_logprobs():
    assert body(asked(top_logprobs=0))["logprobs"] is True
    assert "top_logprobs" not in body(asked(top_logprobs=0))
    assert body(asked(top_logprobs=3))["top_logprobs"] == 3


def test_what_is_lost_is_named():
    message = Message(
        Role.USER,
        (
            ContentBlock(text=TextBlock("Hi", annotations=({"type": "x"},)), cache_control="ephemeral"),
            ContentBlock(image=MediaBlock(data=PNG, media_type="image/png", detail="low")),
        ),
        name="Ada",
    )
    answer = turn(Role.ASSISTANT, ContentBlock(thinking=ThinkingBlock("Hm.", signature="s")))
    result = turn(Role.TOOL, ContentBlock(tool_result=ToolResult("c", (text("no"),), is_error=True)))
    request = asked(
        message,
        answer,
        result,
        user="u",
        parallel_tool_calls=False,
        tools=(Tool("f", strict=True),),
        extra={"service_tier": "flex"},
    )
    assert lost(request) == [
        "chat.messages[0].name",
        "chat.messages[0].content[0].cache_control",
        "chat.messages[0].content[0].text.annotations",
        "chat.messages[0].content[1].image.detail",
        "chat.messages[1].content[0].thinking",
        "chat.messages[2].content[0].tool_result.is_error",
        "chat.tools[0].strict",
        "chat.parallel_tool_calls",
        "chat.user",
        "chat.extra.service_tier",
    ]


@pytest.mark.parametrize(
    "fields", [{"choice_count": 2}, {"output_modalities": ("text", "audio")}], ids=["choices", "audio"]
)
def test_what_would_change_the_answer_is_refused(fields):
    with pytest.raises(UnsupportedFieldError):
        encoded(asked(**fields))


def test_a_refusal_is_said_in_words():
    answer = turn(Role.ASSISTANT, ContentBlock(refusal=RefusalBlock("No.")))
    assert body(asked(turn(Role.USER, "Do"), answer))["messages"][1] == {"role": "assistant", "content": "No."}


def test_a_turn_of_tools_holds_results_only():
    with pytest.raises(InvalidArgumentError, match=r"chat\.messages\[0\]\.role"):
        encoded(asked(turn(Role.TOOL, "Hi")))


def test_it_speaks_conversations_and_leaves_raw_requests_untouched():
    dialect = OllamaChat()
    assert dialect.speaks(asked())
    assert dialect.speaks(OwnWords("ollama.chat"))
    assert not dialect.speaks(RawRequest("ollama.chat"))
    assert not dialect.speaks(EmbeddingsRequest())
    with pytest.raises(UnsupportedFieldError):
        encoded(EmbeddingsRequest())
