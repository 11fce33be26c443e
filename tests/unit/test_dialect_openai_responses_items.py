"""The messages of a conversation as items of the Responses API."""

import base64

import pytest

from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import ChatRequest, Role
from airegistry.invocations.content import ContentBlock, MediaBlock, RefusalBlock, ThinkingBlock, ToolCall, ToolResult
from tests.responses_requests import FLAT, HELLO, OPEN_THOUGHTS, encode, items, said, text


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


NESTED = {"type": "url_citation", "url_citation": {name: FLAT[name] for name in FLAT if name != "type"}}


def test_annotations_go_back_in_this_formats_form():
    sent, warnings = items(HELLO, said(text("B", FLAT, NESTED), role=Role.ASSISTANT))
    assert sent[1]["content"] == [{"type": "output_text", "text": "B", "annotations": [FLAT, FLAT]}]
    assert warnings == []
    sent, warnings = items(HELLO, said(text("B", {"type": "odd"}, {"type": "url_citation"}), role=Role.ASSISTANT))
    assert sent[1]["content"] == "B"
    assert warnings == ["chat.messages[1].content[0].text.annotations"]


def test_a_turn_must_be_somebodys():
    with pytest.raises(InvalidArgumentError, match="role"):
        encode(ChatRequest(messages=(said("x", role=Role.TOOL),)))


def test_bytes_of_media_are_what_they_were():
    sent, _ = items(said(ContentBlock(image=MediaBlock(data=bytes(range(256)), media_type="image/png"))))
    url = sent[0]["content"][0]["image_url"]
    assert base64.b64decode(url.partition(",")[2]) == bytes(range(256))
