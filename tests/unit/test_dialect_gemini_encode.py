"""A canonical conversation as Gemini's JSON: every field is mapped, named in a warning, or refused; Google's own types read it."""

import base64

import orjson
import pytest
from google.genai import types

from airegistry.dialects.gemini.generate_content import GeminiGenerateContent
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import (
    ChatRequest,
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
    ThinkingBlock,
    ToolCall,
    ToolResult,
)
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.resources.endpoint import Communication, Endpoint
from airegistry.resources.model import Capability
from tests.blocks import text

ENDPOINT = Endpoint(address="https://api.example/v1beta", upstream_model="gemini-9")
PNG = MediaBlock(data=b"\x89PNG", media_type="image/png")


def user(*blocks):
    return Message(Role.USER, blocks)


def assistant(*blocks):
    return Message(Role.ASSISTANT, blocks)


HI = (user(text("hi")),)
CALL = ContentBlock(tool_call=ToolCall("c1", "weather", '{"city":"X"}'))


def result(*content, **fields):
    return Message(Role.TOOL, (ContentBlock(tool_result=ToolResult("c1", content, **fields)),))


def encode(request, endpoint=ENDPOINT, *, stream=False):
    encoded = GeminiGenerateContent().encode(request, endpoint, stream=stream)
    body = orjson.loads(encoded.call.body)
    for content in body["contents"]:
        types.Content.model_validate(content)
    types.GenerationConfig.model_validate(body.get("generationConfig", {}))
    return body, {warning.path for warning in encoded.warnings}


def contents_of(*messages):
    body, warned = encode(ChatRequest(messages))
    return body["contents"], warned


@pytest.mark.parametrize(
    ("model", "path", "stream", "url"),
    [
        pytest.param("g", "", False, "/models/g:generateContent", id="whole"),
        pytest.param("g", "", True, "/models/g:streamGenerateContent?alt=sse", id="streamed"),
        pytest.param("tunedModels/g", "", False, "/tunedModels/g:generateContent", id="tuned"),
        pytest.param(
            "g", "/publishers/google/models/g", False, "/publishers/google/models/g:generateContent", id="vertex"
        ),
    ],
)
def test_the_model_stands_in_the_url(model, path, stream, url):
    endpoint = Endpoint(address="https://api.example/v1", upstream_model=model, communication=Communication(path=path))
    call = GeminiGenerateContent().encode(ChatRequest(HI), endpoint, stream=stream).call
    assert call.url == f"https://api.example/v1{url}"


def test_every_option_has_its_place():
    schema = {"type": "object"}
    request = ChatRequest(
        HI,
        max_output_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=7,
        stop_sequences=("a", "b"),
        seed=3,
        choice_count=2,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        top_logprobs=4,
        output_modalities=("text", "image"),
        response_format=ResponseFormat(ResponseFormatKind.JSON_SCHEMA, schema),
        reasoning=Reasoning(effort="high", include_thoughts=True),
        extra={"safetySettings": [], "tools": [{"googleSearch": {}}]},
        tools=(Tool("f", "does", schema),),
        tool_choice=ToolChoice(ToolChoiceMode.NAMED, "f"),
    )
    body, warned = encode(request)
    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 7,
        "stopSequences": ["a", "b"],
        "seed": 3,
        "candidateCount": 2,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "responseLogprobs": True,
        "logprobs": 4,
        "responseModalities": ["TEXT", "IMAGE"],
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
        "thinkingConfig": {"thinkingLevel": "high", "includeThoughts": True},
    }
    declaration = {"name": "f", "description": "does", "parametersJsonSchema": schema}
    assert body["tools"] == [{"functionDeclarations": [declaration]}, {"googleSearch": {}}]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}
    assert body["safetySettings"] == []
    assert not warned


@pytest.mark.parametrize(
    ("reasoning", "budget_only", "config"),
    [
        pytest.param(Reasoning(effort="none"), False, {"thinkingBudget": 0}, id="none"),
        pytest.param(Reasoning(effort="medium"), True, {"thinkingBudget": 8192}, id="effort-as-budget"),
        pytest.param(Reasoning(effort="max"), False, {"thinkingLevel": "xhigh"}, id="the-most"),
        pytest.param(Reasoning(max_tokens=77), False, {"thinkingBudget": 77}, id="tokens"),
    ],
)
def test_thinking_is_a_level_or_a_budget(reasoning, budget_only, config):
    capabilities = {"thinking_budget": Capability(supported=True)} if budget_only else {}
    endpoint = Endpoint(address="https://a", upstream_model="g", capabilities=capabilities)
    body, _ = encode(ChatRequest(HI, reasoning=reasoning), endpoint)
    assert body["generationConfig"] == {"thinkingConfig": config}


def test_system_turns_are_lifted():
    body, warned = encode(
        ChatRequest((Message(Role.SYSTEM, (text("be"),)), *HI, Message(Role.SYSTEM, (text("brief"),))))
    )
    assert body["systemInstruction"] == {"parts": [{"text": "be"}, {"text": "brief"}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]
    assert warned == {"chat.messages[2]"}


def test_tool_turns_of_parallel_calls_become_one_content():
    other = ContentBlock(tool_call=ToolCall("c2", "time", ""))
    results = (
        result(text('{"t":1}')),
        Message(Role.TOOL, (ContentBlock(tool_result=ToolResult("c2", (text("no"),), is_error=True)),)),
    )
    contents, warned = contents_of(*HI, assistant(CALL, other), *results, user(text("and?")))
    assert contents[1] == {
        "role": "model",
        "parts": [
            {
                "functionCall": {"id": "c1", "name": "weather", "args": {"city": "X"}},
                "thoughtSignature": "skip_thought_signature_validator",
            },
            {"functionCall": {"id": "c2", "name": "time", "args": {}}},
        ],
    }
    assert contents[2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "c1", "name": "weather", "response": {"t": 1}}},
            {"functionResponse": {"id": "c2", "name": "time", "response": {"error": "no"}}},
            {"text": "and?"},
        ],
    }
    assert not warned


def test_a_result_may_hold_images():
    contents, _ = contents_of(assistant(CALL), result(text("see"), ContentBlock(image=PNG)))
    (part,) = contents[1]["parts"]
    assert part["functionResponse"]["response"] == {"result": "see"}
    assert part["functionResponse"]["parts"][0]["inlineData"]["mimeType"] == "image/png"


def test_media_goes_as_bytes_or_by_its_uri():
    contents, _ = contents_of(
        user(ContentBlock(image=PNG), ContentBlock(video=MediaBlock(url="gs://b/v.mp4", media_type="video/mp4")))
    )
    assert contents[0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(b"\x89PNG").decode()}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}},
    ]


@pytest.mark.parametrize("after", [CALL, text("so")], ids=["a-call", "text"])
def test_a_signature_goes_back_on_the_part_that_it_came_with(after):
    thought = ContentBlock(thinking=ThinkingBlock("hm", "gemini:c2ln"))
    contents, warned = contents_of(
        *HI, assistant(thought, after), result(text("r")) if after is CALL else user(text("?"))
    )
    first, second = contents[1]["parts"]
    assert first == {"text": "hm", "thought": True}
    assert second["thoughtSignature"] == "c2ln"
    assert not warned


def test_a_signature_at_the_end_gets_a_part_of_its_own():
    contents, _ = contents_of(*HI, assistant(text("ok"), ContentBlock(thinking=ThinkingBlock("", "gemini:c2ln"))))
    assert contents[1]["parts"] == [{"text": "ok"}, {"text": "", "thoughtSignature": "c2ln"}]


def test_thoughts_of_others_are_not_sent():
    contents, warned = contents_of(*HI, assistant(ContentBlock(thinking=ThinkingBlock("hm", "c2ln")), text("ok")))
    assert contents[1]["parts"] == [{"text": "ok"}]
    assert warned == {"chat.messages[1].content[0].thinking"}


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        pytest.param(ChatRequest(HI, user="u"), "chat.user", id="user"),
        pytest.param(ChatRequest(HI, parallel_tool_calls=False), "chat.parallel_tool_calls", id="parallel"),
        pytest.param(ChatRequest(HI, tools=(Tool("f", strict=True),)), "chat.tools", id="strict"),
        pytest.param(
            ChatRequest((user(text("x", cache_control="1h")),)), "chat.messages[0].content[0].cache_control", id="cache"
        ),
        pytest.param(ChatRequest((Message(Role.USER, (text("x"),), name="n"),)), "chat.messages[0].name", id="name"),
        pytest.param(
            ChatRequest((*HI, assistant(ContentBlock(refusal=RefusalBlock("no"))))),
            "chat.messages[1].content[0].refusal",
            id="refusal",
        ),
        pytest.param(ChatRequest(HI, reasoning=Reasoning("low", 5)), "chat.reasoning.effort", id="effort-and-tokens"),
    ],
)
def test_what_has_no_place_is_named(request_, path):
    _, warned = encode(request_)
    assert warned == {path}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        pytest.param(ChatRequest(HI, stop_sequences=("a",) * 6), "chat.stop_sequences", id="six-stops"),
        pytest.param(ChatRequest(HI, extra={"contents": []}), "chat.extra.contents", id="repeated"),
        pytest.param(
            ChatRequest((result(text("r")),)),
            "chat.messages[0].content[0].tool_result.tool_call_id",
            id="result-of-nothing",
        ),
        pytest.param(
            ChatRequest((assistant(ContentBlock(tool_call=ToolCall("c", "f", "{"))),)),
            "chat.messages[0].content[0].tool_call.arguments",
            id="arguments-no-json",
        ),
        pytest.param(
            ChatRequest((user(ContentBlock(file=MediaBlock(file_id="f-1"))),)),
            "chat.messages[0].content[0].file.file_id",
            id="file-id",
        ),
    ],
)
def test_what_would_change_the_question_is_refused(request_, field):
    with pytest.raises(InvalidArgumentError) as caught:
        encode(request_)
    assert [violation.field for violation in caught.value.violations] == [field]


def test_only_conversations_can_be_said():
    assert not GeminiGenerateContent().speaks(EmbeddingsRequest())
    with pytest.raises(UnsupportedFieldError):
        GeminiGenerateContent().encode(EmbeddingsRequest(), ENDPOINT, stream=False)


def test_a_body_of_the_same_format_keeps_its_bytes():
    wire = b'{"contents": [ {"parts":[{"text":"hi","odd":1.10}]} ],"generationConfig":{"topK":1,"maxOutputTokens":50}}'
    request = ChatRequest(HI, max_output_tokens=20)
    sent = GeminiGenerateContent().encode(request, ENDPOINT, stream=False, wire=wire).call.body
    assert b'"contents":[ {"parts":[{"text":"hi","odd":1.10}]} ]' in sent
    assert orjson.loads(sent)["generationConfig"] == {"topK": 1, "maxOutputTokens": 20}
