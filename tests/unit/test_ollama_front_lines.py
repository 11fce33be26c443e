"""Streamed answers in Ollama's form, line by line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.ollama.chat import OllamaChat
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatDelta, ChatRequest, ChatResponse, FinishReason, TokenLogprob
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock, ThinkingBlock, ToolCall
from airegistry.invocations.invocation import InvokeEvent, Settlement, StreamEnd
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.kinds import RawResponse
from airegistry.invocations.usage import Usage
from gateway.fronts.ollama.lines import Lines
from gateway.fronts.ollama.responses import chat_body, relayed_line
from tests.ollama_answers import ACCOUNT, ENDING, ENVELOPE, HEAD, PROMPT, SETTLED, answer, streamed, whole


def test_lines_of_an_answer():
    warnings = (FieldWarning("options.num_ctx", "not sent"),)
    first, second, last = streamed(
        ChatDelta(thinking="Hm."),
        ChatDelta(block_index=1, text="Four"),
        ChatDelta(block_index=1, finish_reason=FinishReason.LENGTH),
        warnings=warnings,
    )
    assert first == {**HEAD, "message": {"role": "assistant", "content": "", "thinking": "Hm."}, "done": False}
    assert second == {**HEAD, "message": {"role": "assistant", "content": "Four"}, "done": False}
    account = {**ACCOUNT, "warnings": ["options.num_ctx: not sent"]}
    message = {"role": "assistant", "content": ""}
    assert last == {**HEAD, "message": message, "done_reason": "length", **ENDING, "airegistry": account}


@pytest.mark.parametrize("envelope", [ENVELOPE, PROMPT], ids=["chat", "generate"])
@given(text=st.text(st.characters(codec="utf-8")))
def test_a_line_of_text_alone_is_as_every_other(envelope, text):
    alone, _ = streamed(ChatDelta(text=text), envelope=envelope)
    other, _ = streamed(ChatDelta(text=text, logprobs=(TokenLogprob("x", -1.0),)), envelope=envelope)
    del other["logprobs"]
    assert alone == other


def test_lines_of_an_answer_to_a_prompt():
    first, last = streamed(ChatDelta(text="Four"), envelope=PROMPT)
    assert first == {**HEAD, "response": "Four", "done": False}
    assert last == {**HEAD, "response": "", "done_reason": "stop", **ENDING}


def test_a_tool_call_goes_out_whole_as_soon_as_another_block_begins():
    lines = streamed(
        ChatDelta(text="Let me look."),
        ChatDelta(block_index=1, tool_call_start=ToolCall("a", "f", "")),
        ChatDelta(block_index=1, tool_call_arguments='{"x"'),
        ChatDelta(block_index=1, tool_call_arguments=":1}"),
        ChatDelta(block_index=2, tool_call_start=ToolCall("b", "g", "")),
        ChatDelta(block_index=2, finish_reason=FinishReason.TOOL_CALLS),
    )
    assert [line["message"].get("tool_calls") for line in lines] == [
        None,
        [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}],
        [{"id": "b", "function": {"name": "g", "arguments": {}}}],
        None,
    ]


def test_a_call_waits_for_nothing_but_its_own_end():
    lines = Lines(ENVELOPE)

    def write(**delta):
        return lines.write([InvokeEvent(chat_delta=ChatDelta(**delta))])

    assert write(tool_call_start=ToolCall("a", "f", "{")) == b""
    assert write(tool_call_arguments="}") == b""
    assert b'"id":"a"' in write(block_index=1, tool_call_start=ToolCall("b", "g", ""))


def test_interleaved_calls_wait_for_the_end():
    lines = streamed(
        ChatDelta(block_index=0, tool_call_start=ToolCall("a", "f", "")),
        ChatDelta(block_index=1, tool_call_start=ToolCall("b", "g", "{")),
        ChatDelta(block_index=1, tool_call_arguments="}"),
        ChatDelta(block_index=1, finish_reason=FinishReason.TOOL_CALLS),
    )
    calls = [call for line in lines for call in line["message"].get("tool_calls", ())]
    assert [call["id"] for call in calls] == ["a", "b"]


@pytest.mark.parametrize("arguments", ["{", "[1]", "null"])
def test_arguments_that_are_no_object_are_an_error(arguments):
    call = ToolCall("a", "f", arguments)
    with pytest.raises(MalformedAnswerError, match="arguments"):
        whole(ContentBlock(tool_call=call))
    with pytest.raises(MalformedAnswerError, match="arguments"):
        streamed(ChatDelta(tool_call_start=call))


def test_whole_blocks_of_a_stream():
    image, thought, sound, *_ = streamed(
        ChatDelta(block=ContentBlock(image=MediaBlock(data=b"x", media_type="image/png"))),
        ChatDelta(block_index=1, block=ContentBlock(thinking=ThinkingBlock("Hm.", signature="s"))),
        ChatDelta(block_index=2, block=ContentBlock(audio=MediaBlock(data=b"z", media_type="audio/wav"))),
        ChatDelta(block_index=3, thinking_signature="s"),
    )
    assert image["message"]["images"] == ["eA=="]
    assert thought["message"]["thinking"] == "Hm."
    assert [warning.partition(":")[0] for warning in sound["airegistry"]["warnings"]] == [
        "message.content[1]",
        "message.content[2]",
        "message.content[3]",
    ]


def test_relayed_lines_keep_their_bytes_but_for_the_name():
    lines = Lines(ENVELOPE, (FieldWarning("keep_alive", "not sent"),))
    first = lines.write([InvokeEvent(raw=RawResponse(body=b'{"model":"served","x":1.50,"done":false}'))])
    assert first == b'{"x":1.50,"done":false,"model":"m"}\n'
    batch = [
        InvokeEvent(raw=RawResponse(body=b'{"model":"served","done":false}')),
        InvokeEvent(raw=RawResponse(body=b'{"model":"served","done":true,"y":[1,  2]}')),
        InvokeEvent(end=StreamEnd(SETTLED)),
    ]
    before, last = lines.write(batch).splitlines()
    assert before == b'{"done":false,"model":"m"}'
    assert last.startswith(b'{"done":true,"y":[1,  2],"model":"m","airegistry":{')
    assert json.loads(last)["airegistry"] == ACCOUNT
    assert relayed_line(b'{"model":"served"}', "m") == b'{"model":"m"}'


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
CALLS = st.lists(st.tuples(WORDS, st.dictionaries(WORDS, st.integers(-5, 5), max_size=2)), max_size=3)


@st.composite
def answers(draw):
    """Draw an answer that both forms can tell."""
    blocks = [ContentBlock(thinking=ThinkingBlock(words)) for words in draw(st.lists(WORDS, max_size=1))]
    blocks += [ContentBlock(text=TextBlock(words)) for words in draw(st.lists(WORDS, max_size=1))]
    for i, (name, arguments) in enumerate(draw(CALLS)):
        blocks.append(
            ContentBlock(
                tool_call=ToolCall(f"c{i}", name, json.dumps(arguments, separators=(",", ":"), ensure_ascii=False))
            )
        )
    called = any(block.tool_call for block in blocks)
    reason = FinishReason.TOOL_CALLS if called else draw(st.sampled_from([FinishReason.STOP, FinishReason.LENGTH]))
    return answer(*blocks, reason=reason, upstream_finish_reason="length" if reason is FinishReason.LENGTH else "stop")


def deltas_of(response, cut):
    """Return an answer in pieces, its texts cut."""
    for i, block in enumerate(response.choices[0].message.content):
        if block.text is not None:
            yield from (
                ChatDelta(0, i, text=piece) for piece in (block.text.text[:cut], block.text.text[cut:]) if piece
            )
        elif block.thinking is not None:
            words = block.thinking.text
            yield from (ChatDelta(0, i, thinking=piece) for piece in (words[:cut], words[cut:]) if piece)
        else:
            call = block.tool_call
            yield ChatDelta(0, i, tool_call_start=ToolCall(call.id, call.name, call.arguments[:cut]))
            yield ChatDelta(0, i, tool_call_arguments=call.arguments[cut:])
    choice = response.choices[0]
    yield ChatDelta(finish_reason=choice.finish_reason, upstream_finish_reason=choice.upstream_finish_reason)


@given(answers(), st.integers(0, 6), st.data())
def test_an_answer_is_the_same_whole_streamed_and_read_again(response, cut, data):
    settlement = Settlement(usage=Usage(input_tokens=1, output_tokens=2))
    again = OllamaChat().decode(ChatRequest(), 200, {}, chat_body(response, settlement, ENVELOPE))
    lines = Lines(ENVELOPE)
    wire = b"".join(lines.write([InvokeEvent(chat_delta=delta)]) for delta in deltas_of(response, cut))
    wire += lines.write([InvokeEvent(end=StreamEnd(settlement))])
    decoder, at = OllamaChat().decoder(ChatRequest()), data.draw(st.integers(0, len(wire)))
    streamed_again, usage = assemble([*decoder.feed(wire[:at]), *decoder.feed(wire[at:]), *decoder.close()])
    assert isinstance(again.output, ChatResponse)
    assert again.output.choices == streamed_again.choices == response.choices
    assert again.usage == usage == settlement.usage


def test_whatever_a_model_writes_a_line_is_a_line():
    words = "a\x85b\u2028c\u2029d\ne"
    call = ToolCall("id", "look_up", '{\n  "word":\r\n "x" }')
    events = [
        InvokeEvent(chat_delta=ChatDelta(text=words)),
        InvokeEvent(chat_delta=ChatDelta(block_index=1, tool_call_start=call)),
        InvokeEvent(end=StreamEnd(Settlement())),
    ]
    said = Lines(ENVELOPE).write(events).decode()
    text, called, _ = [json.loads(line)["message"] for line in said.splitlines()]
    assert text["content"] == words
    assert called["tool_calls"][0]["function"]["arguments"] == {"word": "x"}
