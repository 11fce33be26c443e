"""Whole answers of the usual shape: read at once, they are what the pieces of them make up."""

from copy import deepcopy

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.exchange import Answer
from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.dialects.openai.stream import items_of
from airegistry.dialects.openai.usual import usual_answer
from airegistry.errors import RegistryError
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.invocation import Warning as FieldWarning

ABSENT = object()
VALUES = [ABSENT, None, "", "x", "error", "eos", 0, -1, 2, 2**63, 1.5, 3.0, True, [], ["x"], [{}], {}, {"x": 1}]
FIELDS = {
    (): "id object created model choices usage error system_fingerprint service_tier provider x",
    ("choices", 0): "index message finish_reason native_finish_reason logprobs stop_reason matched_stop x",
    ("choices", 0, "message"): "role content refusal annotations audio images tool_calls reasoning x",
    ("usage",): "prompt_tokens completion_tokens total_tokens prompt_tokens_details cost x",
    ("usage", "completion_tokens_details"): "reasoning_tokens audio_tokens x",
}
PLACES = [(path, name) for path, names in FIELDS.items() for name in names.split()]
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
USUAL = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "m",
    "choices": [CHOICE],
    "usage": {
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "total_tokens": 7,
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
}
EVERYWHERE = {
    "the rest of OpenAI": {"service_tier": "default", "system_fingerprint": "fp_1"},
    "OpenRouter": {
        "provider": "x",
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.5, "is_byok": "no"},
    },
    "vLLM": {"prompt_logprobs": None, "prompt_token_ids": None, "kv_transfer_params": None, "service_tier": None},
}


def changed(answer, changes):
    """Return an answer in which some fields are set to something, or absent."""
    answer = deepcopy(answer)
    for (path, name), value in changes:
        place = answer
        try:
            for step in path:
                place = place[step]
            place.pop(name, None) if value is ABSENT else place.update({name: deepcopy(value)})
        except (AttributeError, IndexError, KeyError, TypeError):
            # What it is in was changed before.
            continue
    return answer


def pieced_together(body):
    items = items_of(body, ChatRequest())
    output, usage = assemble(items)
    return Answer(output, usage, tuple(item for item in items if isinstance(item, FieldWarning)))


def outcome(read, body):
    try:
        return read(body)
    except RegistryError as error:
        return type(error), error.message


def is_the_same_however_it_is_read(changes):
    body = orjson.dumps(changed(USUAL, changes))
    at_once = outcome(lambda data: OpenAIChat().decode(ChatRequest(), 200, {}, data), body)
    return at_once == outcome(pieced_together, body)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, (*place[0], place[1]))))
def test_an_answer_says_the_same_however_it_is_read_whatever_a_field_has(place):
    assert [value for value in VALUES if not is_the_same_however_it_is_read([(place, value)])] == []


@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(VALUES)), max_size=4))
def test_an_answer_says_the_same_however_it_is_read(changes):
    assert is_the_same_however_it_is_read(changes)


@pytest.mark.parametrize("beside", EVERYWHERE.values(), ids=EVERYWHERE)
def test_the_usual_answers_of_the_usual_servers_are_read_at_once(beside):
    body = orjson.dumps(USUAL | beside)
    assert usual_answer(body) == pieced_together(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(orjson.dumps(USUAL | {"choices": [CHOICE, CHOICE]}), id="two-choices"),
        pytest.param(orjson.dumps(USUAL | {"error": {"message": "no"}}), id="an-error-beside-it"),
        pytest.param(orjson.dumps(USUAL | {"object": "error"}), id="an-error-by-its-name"),
        pytest.param(orjson.dumps(USUAL | {"citations": ["x"]}), id="a-field-of-its-own"),
        pytest.param(orjson.dumps(USUAL).replace(b"hi", b"\xff"), id="no-utf-8"),
        pytest.param(b'{"choices": ' * 100_000, id="nested-without-end"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_any_other_answer_is_taken_apart(body):
    assert usual_answer(body) is None
