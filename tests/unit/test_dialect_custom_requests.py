"""The dialect `custom`: requests are written as the endpoint declares."""

import json
from dataclasses import replace

import pytest

from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest, Message, ResponseFormat, ResponseFormatKind, Role, Tool
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ThinkingBlock, ToolCall, ToolResult
from tests.custom_formats import CHAT, PARROT, WHOLE, assemble_whole, body, dialect, encoded, said


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
