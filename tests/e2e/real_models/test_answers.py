"""What callers ask of a real model, by every SDK and in every format that it speaks itself."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.real_models.asking import Ask, heard, refused
from tests.e2e.real_models.llama import SLOT_TOKENS
from tests.e2e.real_models.scene import CALLERS, DIALECTS

SCHEMA: Any = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "kind": {"enum": ["function", "class", "module"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 8}, "minItems": 1, "maxItems": 3},
        "known": {"type": "boolean"},
    },
    "required": ["name", "kind", "count", "tags", "known"],
    "additionalProperties": False,
}
ROOM = 1000
"""Tokens that are enough for anything that SCHEMA allows, blanks included."""
LIMIT = 17
"""In Responses no limit may be below 16."""
PROMPTS = ("What is a function?", "What is json.dumps?", "Call a function.", "Say something about Python.")

# In its other formats llama-server overlooks a schema.
KEEPING_SCHEMAS = ("openai.chat",)
CALLED_COMPLETE = ("openai.responses",)
"""Where llama-server says that an answer is complete, whatever ended it."""


def cases(callers=CALLERS, dialects=DIALECTS):
    """Run a test for each of *callers* over each of *dialects*."""
    both = [(by, dialect) for by in callers for dialect in dialects]
    return pytest.mark.parametrize(("by", "dialect"), both, ids=["-".join(case) for case in both])


def without(names, one):
    return [name for name in names if name != one]


both_ways = pytest.mark.parametrize("streamed", [pytest.param(False, id="whole"), pytest.param(True, id="streamed")])


async def answered(real, by, ask, *, streamed):
    caller = real.callers[by]
    return await (heard(caller, ask) if streamed else caller.whole(ask))


@cases()
async def test_an_answer_is_the_same_whole_and_streamed(real, by, dialect):
    ask = Ask(dialect, max_tokens=12)
    whole = await answered(real, by, ask, streamed=False)
    assert len(whole.text) > 12
    assert await answered(real, by, ask, streamed=True) == whole


@both_ways
@cases()
async def test_the_limit_of_tokens_ends_an_answer_and_is_told(unending, by, dialect, streamed):
    got = await answered(unending, by, Ask(dialect, max_tokens=LIMIT), streamed=streamed)
    assert got.finish == ("stop" if dialect in CALLED_COMPLETE else "length")
    assert got.usage[1] == LIMIT


@both_ways
@cases()
async def test_an_answer_that_ends_by_itself_is_told_so(real, by, dialect, streamed):
    answers = [
        await answered(real, by, Ask(dialect, prompt=prompt, max_tokens=ROOM), streamed=streamed) for prompt in PROMPTS
    ]
    ended = [got for got in answers if 0 < got.usage[1] < ROOM]
    assert ended
    assert {got.finish for got in ended} == {"stop"}


@both_ways
@cases()
async def test_a_longer_prompt_counts_more_tokens(real, by, dialect, streamed):
    short, long = [
        await answered(real, by, Ask(dialect, prompt="What is a function? " * times, max_tokens=2), streamed=streamed)
        for times in (1, 5)
    ]
    assert short.usage[0] > 5
    assert long.usage[0] - short.usage[0] >= 4 * 4


@both_ways
@cases(without(CALLERS, "openai-responses"), without(DIALECTS, "openai.responses"))
async def test_a_stop_sequence_ends_an_answer_before_itself(real, by, dialect, streamed):
    ask = Ask(dialect, max_tokens=24)
    text = (await answered(real, by, ask, streamed=False)).text
    stop = text[len(text) // 2 :][:4]
    got = await answered(real, by, replace(ask, stop=(stop,)), streamed=streamed)
    assert got.text == text[: text.index(stop)]
    assert got.finish == "stop"


@both_ways
@pytest.mark.parametrize("by", without(CALLERS, "openai-responses"))
async def test_a_stop_sequence_is_refused_where_the_format_has_none(real, llama, by, streamed):
    before = await llama.tokens_made()
    ask = Ask("openai.responses", stop=("a",))
    assert await refused(real.callers[by], ask, streamed=streamed) == "UNSUPPORTED_FIELD"
    assert await llama.tokens_made() == before


@both_ways
@cases()
async def test_a_tool_is_called_with_arguments_of_its_schema(real, by, dialect, streamed):
    ask = Ask(dialect, prompt="Call a function.", max_tokens=ROOM, tool=SCHEMA)
    got = await answered(real, by, ask, streamed=streamed)
    ((name, arguments),) = got.calls
    assert name == "look_up"
    check(arguments)
    assert got.finish == "tool_calls"


@both_ways
@cases(dialects=KEEPING_SCHEMAS)
async def test_an_answer_keeps_to_its_schema(real, by, dialect, streamed):
    ask = Ask(dialect, prompt="Describe a function as JSON.", max_tokens=ROOM, schema=SCHEMA)
    got = await answered(real, by, ask, streamed=streamed)
    check(json.loads(got.text))
    assert got.finish == "stop"


@both_ways
@cases()
async def test_a_prompt_that_does_not_fit_is_told_as_such(real, by, dialect, streamed):
    ask = Ask(dialect, prompt="word " * 2 * SLOT_TOKENS)
    assert await refused(real.callers[by], ask, streamed=streamed) == "CONTEXT_LENGTH_EXCEEDED"


@cases()
async def test_streams_side_by_side_do_not_mix(real, by, dialect):
    words = [letter * 100 for letter in "abcd"]
    asks = [Ask(dialect, max_tokens=ROOM, tool=only(word)) for word in words]
    answers = await asyncio.gather(*(answered(real, by, ask, streamed=True) for ask in asks))
    assert [got.calls for got in answers] == [[("look_up", {"word": word})] for word in words]


def only(word):
    """Return the schema of arguments that leave no choice."""
    return {"type": "object", "properties": {"word": {"enum": [word]}}, "required": ["word"]}


def check(value):
    """Fail unless *value* is what SCHEMA allows."""
    assert value.keys() == SCHEMA["properties"].keys()
    assert isinstance(value["name"], str)
    assert len(value["name"]) <= 20
    assert value["kind"] in ("function", "class", "module")
    assert value["count"] in range(1, 10)
    assert 1 <= len(value["tags"]) <= 3
    assert all(isinstance(tag, str) and len(tag) <= 8 for tag in value["tags"])
    assert isinstance(value["known"], bool)
