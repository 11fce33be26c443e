"""What a caller wrote in Ollama's own format reaches an Ollama as it was written."""

import orjson
import pytest

from airegistry.dialects.ollama.relays import OwnWords
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import Reasoning
from tests.ollama_requests import HOST, asked, at, encoded

WIRE = b'{"model": "mine", "new_field": [1.0,  2],\n "options": {"num_predict": 100, "num_ctx": 4096, "temperature": 1.50}, "messages": []}'


def test_a_callers_own_words_pass_byte_for_byte_but_for_the_model_and_the_stream():
    request = asked(max_output_tokens=100, temperature=1.5)
    sent = encoded(request, stream=True, wire=WIRE).call.body
    assert b"[1.0,  2]" in sent
    assert b'{"num_predict": 100, "num_ctx": 4096, "temperature": 1.50}' in sent
    assert orjson.loads(sent) == {**orjson.loads(WIRE), "model": "llama3.2", "stream": True}
    assert encoded(request, wire=WIRE).warnings == ()


def test_what_a_route_changes_is_changed_in_the_callers_words():
    request = asked(max_output_tokens=10, temperature=0.5, reasoning=Reasoning(effort="low"))
    sent = encoded(request, at(("think_levels",)), wire=WIRE).call.body
    assert orjson.loads(sent)["options"] == {"num_predict": 10, "num_ctx": 4096, "temperature": 0.5}
    assert orjson.loads(sent)["think"] == "low"
    assert b"[1.0,  2]" in sent


@pytest.mark.parametrize("limit", [b"-1", b"-2", b"0"])
def test_no_limit_stays_the_callers_own(limit):
    wire = b'{"messages": [], "options": {"num_predict": ' + limit + b"}}"
    assert b'{"num_predict": ' + limit + b"}" in encoded(asked(), wire=wire).call.body
    assert orjson.loads(encoded(asked(max_output_tokens=5), wire=wire).call.body)["options"] == {"num_predict": 5}


@pytest.mark.parametrize(
    ("think", "effort"), [(b"true", "medium"), (b"false", "none"), (b'"high"', "high")], ids=["on", "off", "level"]
)
def test_thought_stays_the_callers_own_unless_a_route_changes_it(think, effort):
    wire = b'{"messages": [], "think": ' + think + b"}"
    same = encoded(asked(reasoning=Reasoning(effort=effort, include_thoughts=True)), wire=wire).call.body
    assert orjson.loads(same)["think"] == orjson.loads(think)
    assert orjson.loads(encoded(asked(reasoning=Reasoning(effort="none")), wire=wire).call.body)["think"] is False


def test_a_prompt_goes_to_api_generate():
    wire = b'{"model": "mine", "prompt": "def f", "suffix": "return", "raw": true}'
    call = encoded(OwnWords("ollama.chat", body=wire), stream=True).call
    assert call.url == f"{HOST}/api/generate"
    assert orjson.loads(call.body) == {**orjson.loads(wire), "model": "llama3.2", "stream": True}
    assert encoded(asked(), at(path="/o/api/chat"), wire=b'{"prompt": "Hi"}').call.url == f"{HOST}/o/api/generate"


def test_where_prompts_go_must_be_told_by_the_path():
    with pytest.raises(UnsupportedFieldError, match="path"):
        encoded(asked(), at(path="/talk"), wire=b'{"prompt": "Hi"}')


@pytest.mark.parametrize("wire", [b"[]", b"{", b'{"options": 3, "messages": []}'], ids=["list", "cut", "options"])
def test_words_that_are_no_object_are_the_callers_fault(wire):
    with pytest.raises(InvalidArgumentError):
        encoded(asked(), wire=wire)
