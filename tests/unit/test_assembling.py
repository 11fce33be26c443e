"""A streamed answer, put together again."""

from airegistry.invocations.assembling import Assembler, assemble
from airegistry.invocations.chat import ChatDelta, FinishReason, TokenLogprob
from airegistry.invocations.content import (
    ContentBlock,
    MediaBlock,
    RefusalBlock,
    TextBlock,
    ThinkingBlock,
    ToolCall,
)
from airegistry.invocations.invocation import AttemptStarted
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invocations.streaming import ExtraSeen, StreamStarted, UsageSeen
from airegistry.invocations.usage import Usage


def content_of(*deltas):
    [choice] = assemble(deltas)[0].choices
    assert choice.message is not None
    assert choice.message is not None
    return choice.message.content


def test_pieces_of_a_block_are_joined_and_blocks_keep_their_order():
    assert content_of(
        ChatDelta(0, 0, thinking="a"),
        ChatDelta(0, 2, tool_call_start=ToolCall("c", "f", "{")),
        ChatDelta(0, 1, text="x"),
        ChatDelta(0, 0, thinking="b"),
        ChatDelta(0, 0, thinking_signature="s"),
        ChatDelta(0, 2, tool_call_arguments="}"),
        ChatDelta(0, 1, text="y"),
        ChatDelta(0, 3, refusal="no"),
        ChatDelta(0, 3, refusal="pe"),
    ) == (
        ContentBlock(thinking=ThinkingBlock("ab", "s")),
        ContentBlock(text=TextBlock("xy")),
        ContentBlock(tool_call=ToolCall("c", "f", "{}")),
        ContentBlock(refusal=RefusalBlock("nope")),
    )


def test_a_whole_text_adds_to_the_text_that_is_there():
    source, other = {"type": "a"}, {"type": "b"}
    assert content_of(
        ChatDelta(text="x"),
        ChatDelta(block=ContentBlock(text=TextBlock("", (source,)))),
        ChatDelta(block=ContentBlock(text=TextBlock("y", (other,)))),
        ChatDelta(text="z"),
    ) == (ContentBlock(text=TextBlock("xyz", (source, other))),)


def test_a_block_that_comes_whole_is_kept_as_it_is():
    image = ContentBlock(image=MediaBlock(data=b"x", media_type="image/png"))
    assert content_of(ChatDelta(text="x"), ChatDelta(0, 1, block=image)) == (ContentBlock(text=TextBlock("x")), image)


def test_who_answered_and_what_it_used_is_kept():
    response, usage = assemble(
        [
            StreamStarted("id", "model", 5),
            UsageSeen(Usage(output_tokens=1)),
            ChatDelta(text="x"),
            FieldWarning("a", "b"),
            UsageSeen(Usage(output_tokens=2)),
            ExtraSeen({"x": 1}),
        ]
    )
    assert (response.upstream_id, response.upstream_model, response.created) == ("id", "model", 5)
    assert response.extra == {"x": 1}
    assert usage == Usage(output_tokens=2)


def test_the_events_of_a_gateway_are_understood():
    response, usage = assemble([AttemptStarted("models/m/endpoints/e", 1, "id", "model"), ChatDelta(text="x")])
    assert (response.upstream_id, response.upstream_model) == ("id", "model")
    assert usage is None


def test_choices_are_apart():
    token = TokenLogprob("b", -1.0)
    response, _ = assemble(
        [
            ChatDelta(1, text="b", logprobs=(token,)),
            ChatDelta(0, text="a"),
            ChatDelta(1, finish_reason=FinishReason.LENGTH, upstream_finish_reason="max", stop_sequence="!"),
        ]
    )
    first, second = response.choices
    assert (first.index, first.finish_reason, first.logprobs) == (0, None, ())
    assert (second.index, second.finish_reason, second.upstream_finish_reason) == (1, FinishReason.LENGTH, "max")
    assert (second.stop_sequence, second.logprobs) == ("!", (token,))


def test_what_came_so_far_can_be_seen_at_any_time():
    assembler = Assembler()
    assert assembler.response().choices == ()
    assembler.add(ChatDelta(text="x"))
    assert assembler.response().choices[0].finish_reason is None
