"""Answers in Ollama's format, whole and in lines."""

import base64
import json

import pytest

from airegistry.errors import FieldViolation, InvalidArgumentError, ProviderOverloadedError
from airegistry.invocations.chat import ChatDelta, FinishReason, TokenLogprob
from airegistry.invocations.content import ContentBlock, MediaBlock, RefusalBlock, TextBlock, ThinkingBlock, ToolCall
from airegistry.invocations.embeddings import Embedding, EmbeddingsResponse
from airegistry.invocations.invocation import Settlement
from airegistry.invocations.usage import Usage
from gateway.fronts.ollama.errors import error_answer, error_body
from gateway.fronts.ollama.lines import Lines
from gateway.fronts.ollama.responses import embed_body
from tests.ollama_answers import ENDING, ENVELOPE, HEAD, PROMPT, SETTLED, streamed, whole


def test_a_whole_answer():
    blocks = (
        ContentBlock(thinking=ThinkingBlock("Hm.")),
        ContentBlock(text=TextBlock("Four")),
        ContentBlock(text=TextBlock(".")),
        ContentBlock(tool_call=ToolCall("c", "f", '{"x": 1}')),
        ContentBlock(image=MediaBlock(data=b"\x89PNG", media_type="image/png")),
    )
    assert whole(*blocks, reason=FinishReason.TOOL_CALLS) == {
        **HEAD,
        "message": {
            "role": "assistant",
            "content": "Four.",
            "thinking": "Hm.",
            "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"x": 1}}}],
            "images": [base64.b64encode(b"\x89PNG").decode()],
        },
        "done_reason": "stop",
        **ENDING,
    }


def test_a_whole_answer_to_a_prompt():
    thought = ContentBlock(thinking=ThinkingBlock("Hm."))
    told = whole(thought, ContentBlock(text=TextBlock("Four.")), envelope=PROMPT)
    assert told == {**HEAD, "response": "Four.", "thinking": "Hm.", "done_reason": "stop", **ENDING}
    assert "thinking" not in whole(ContentBlock(text=TextBlock("Four.")), envelope=PROMPT)


@pytest.mark.parametrize(
    ("reason", "upstream", "word"),
    [
        (FinishReason.STOP, "end_turn", "stop"),
        (FinishReason.LENGTH, "max_tokens", "length"),
        (FinishReason.TOOL_CALLS, "tool_calls", "stop"),
        (FinishReason.CONTENT_FILTER, "", "content_filter"),
        (FinishReason.REFUSAL, "", "refusal"),
        (FinishReason.OTHER, "load", "load"),
        (FinishReason.OTHER, "", "stop"),
    ],
)
def test_why_it_ended(reason, upstream, word):
    assert whole(reason=reason, upstream_finish_reason=upstream)["done_reason"] == word
    end = ChatDelta(finish_reason=reason, upstream_finish_reason=upstream)
    assert streamed(end)[-1]["done_reason"] == word


def test_what_is_unknown_is_left_out():
    told = whole(settlement=Settlement(usage=Usage(output_tokens=4)))
    assert told["eval_count"] == 4
    assert not told.keys() & {"prompt_eval_count", "total_duration", "eval_duration", "prompt_eval_duration"}
    assert "eval_count" not in whole(settlement=Settlement())


def test_a_whole_answer_took_its_whole_time():
    told = whole(settlement=Settlement(duration=2.0, time_to_first_token=2.0))
    assert (told["total_duration"], told["eval_duration"]) == (2_000_000_000, 2_000_000_000)
    assert "prompt_eval_duration" not in told


def test_the_providers_own_fields_stand_beside_ours():
    extra = {"eval_duration": 7, "load_duration": 3, "done": False, "model": "x", "service_tier": "flex"}
    told = whole(extra=extra)
    assert (told["eval_duration"], told["load_duration"], told["service_tier"]) == (7, 3, "flex")
    assert (told["done"], told["model"]) == (True, "m")
    assert streamed(extra=extra)[-1]["load_duration"] == 3


def test_what_has_no_place_is_named():
    told = whole(
        ContentBlock(text=TextBlock("x", annotations=({"type": "url_citation"},))),
        ContentBlock(thinking=ThinkingBlock("y", signature="s")),
        ContentBlock(audio=MediaBlock(data=b"z", media_type="audio/wav")),
        ContentBlock(refusal=RefusalBlock("No.")),
    )
    assert told["message"]["content"] == "xNo."
    assert [warning.partition(":")[0] for warning in told["airegistry"]["warnings"]] == [
        "message.content[0]",
        "message.content[1]",
        "message.content[2]",
    ]


def test_logprobs_of_tokens():
    one = TokenLogprob("Hi", -0.5, top=(TokenLogprob("Hi", -0.5), TokenLogprob("é", -2.0)))
    value = [
        {
            "token": "Hi",
            "logprob": -0.5,
            "bytes": [72, 105],
            "top_logprobs": [
                {"token": "Hi", "logprob": -0.5, "bytes": [72, 105]},
                {"token": "é", "logprob": -2.0, "bytes": [195, 169]},
            ],
        }
    ]
    assert whole(ContentBlock(text=TextBlock("Hi")), logprobs=(one,))["logprobs"] == value
    first, _ = streamed(ChatDelta(text="Hi", logprobs=(one,)))
    assert first["logprobs"] == value


def test_vectors():
    response = EmbeddingsResponse((Embedding(0, (0.1, 2.0)),), extra={"load_duration": 3, "embeddings": "x"})
    wire = embed_body(response, SETTLED, "m")
    assert b'"embeddings":[[0.1,2.0]]' in wire
    told = json.loads(wire)
    assert (told["model"], told["prompt_eval_count"], told["load_duration"]) == ("m", 8, 3)
    assert told["total_duration"] == 1_000_000_000
    assert "eval_count" not in told


BUSY = b'{"error":"provider answered 503: busy","reason":"PROVIDER_OVERLOADED"}'


def test_an_error_is_a_sentence_with_our_reason_beside_it():
    error = ProviderOverloadedError("provider answered 503: busy", retry_after=1.2)
    assert error_body(error) == BUSY
    told = error_answer(error)
    assert (told.status, told.headers["retry-after"]) == (503, "2")
    assert error_answer(ValueError("secret")).body == b'{"error":"internal error","reason":"INTERNAL"}'
    assert Lines(ENVELOPE).failure(error) == BUSY + b"\n"


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("invocation.chat.max_output_tokens", "options.num_predict"),
        ("chat.stop_sequences[1]", "options.stop[1]"),
        ("chat.reasoning.effort", "think"),
        ("chat.response_format.json_schema", "format"),
        ("chat.messages[0].content", "messages[0].content"),
        ("embeddings.inputs[0]", "input[0]"),
        ("embeddings.inputs[1].text", "input[1]"),
        ("options.top_k", "options.top_k"),
    ],
)
def test_fields_have_the_callers_names(field, path):
    error = InvalidArgumentError(violations=[FieldViolation(field, "is wrong")])
    assert json.loads(error_body(error))["error"] == f"{path}: is wrong"
