"""Vectors in both forms, in the order of the inputs, one per input."""

import base64
import struct

import orjson
import pytest

from airegistry.dialects.openai.embeddings import OpenAIEmbeddings
from airegistry.errors import (
    InvalidArgumentError,
    MalformedAnswerError,
    ProviderRateLimitedError,
    UnsupportedFieldError,
)
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.embeddings import Embedding, EmbeddingInput, EmbeddingsRequest, TokenIds
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import Endpoint

ENDPOINT = Endpoint(address="https://a/v1", upstream_model="e-1")
TEXTS = EmbeddingsRequest((EmbeddingInput(text="a"), EmbeddingInput(text="b")))


def packed(*values):
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def decode(*data, request=TEXTS, **fields):
    body = orjson.dumps({"object": "list", "data": list(data), "model": "e-1-2024", **fields})
    return OpenAIEmbeddings().decode(request, 200, {}, body)


def one(index, embedding):
    return {"object": "embedding", "index": index, "embedding": embedding}


def body_of(request):
    encoded = OpenAIEmbeddings().encode(request, ENDPOINT, stream=False)
    assert encoded.call.url == "https://a/v1/embeddings"
    return orjson.loads(encoded.call.body), [warning.path for warning in encoded.warnings]


def test_texts_are_sent_and_base64_is_asked_for():
    request = EmbeddingsRequest(TEXTS.inputs, dimensions=256, user="u", purpose="query", extra={"truncate": True})
    body, warned = body_of(request)
    assert body == {
        "model": "e-1",
        "input": ["a", "b"],
        "encoding_format": "base64",
        "dimensions": 256,
        "user": "u",
        "truncate": True,
    }
    assert warned == ["embeddings.purpose"]


def test_token_ids_are_sent_as_lists():
    body, _ = body_of(EmbeddingsRequest((EmbeddingInput(token_ids=TokenIds((1, 2))),)))
    assert body["input"] == [[1, 2]]


def test_texts_and_token_ids_do_not_mix():
    with pytest.raises(UnsupportedFieldError, match="not both"):
        body_of(EmbeddingsRequest((EmbeddingInput(text="a"), EmbeddingInput(token_ids=TokenIds((1,))))))


def test_extra_must_not_repeat_a_field():
    with pytest.raises(InvalidArgumentError, match=r"embeddings\.extra\.encoding_format"):
        body_of(EmbeddingsRequest(TEXTS.inputs, extra={"encoding_format": "float"}))


@pytest.mark.parametrize("form", [packed, lambda *values: list(values)], ids=["base64", "float"])
def test_both_forms_give_the_same_vectors_in_order(form):
    answer = decode(one(1, form(0.1, -2.0)), one(0, form(1.0, 0.5)), usage={"prompt_tokens": 4, "total_tokens": 4})
    tenth = struct.unpack("<f", struct.pack("<f", 0.1))[0]
    assert answer.output.embeddings == (Embedding(0, (1.0, 0.5)), Embedding(1, (tenth, -2.0)))
    assert answer.output.upstream_model == "e-1-2024"
    assert answer.usage == Usage(input_tokens=4, output_tokens=0)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([one(0, [1.0])], "1 vectors for 2 inputs"),
        ([one(0, [1.0]), one(0, [1.0])], "indexes"),
        ([one(0, [1.0]), one(5, [1.0])], "indexes"),
        ([one(0, []), one(1, [1.0])], "no vector"),
        ([one(0, None), one(1, [1.0])], "no vector"),
        ([one(0, ["x"]), one(1, [1.0])], "no 32-bit floats"),
        ([one(0, [1e300]), one(1, [1.0])], "no 32-bit floats"),
        ([one(0, "AAA"), one(1, [1.0])], "not base64"),
        ([one(0, "AAAA"), one(1, [1.0])], "not a row of 32-bit floats"),
    ],
    ids=["too-few", "twice", "beyond", "empty", "null", "text", "too-large", "not-base64", "odd-bytes"],
)
def test_what_is_not_one_vector_per_input_is_malformed(data, problem):
    with pytest.raises(MalformedAnswerError, match=problem):
        decode(*data)


def test_an_error_in_the_place_of_vectors_is_an_error():
    with pytest.raises(ProviderRateLimitedError):
        OpenAIEmbeddings().decode(TEXTS, 200, {}, b'{"error": {"code": 429, "message": "x"}}')


def test_embeddings_do_not_stream():
    with pytest.raises(UnsupportedFieldError):
        OpenAIEmbeddings().encode(TEXTS, ENDPOINT, stream=True)
    with pytest.raises(UnsupportedFieldError):
        OpenAIEmbeddings().decoder(TEXTS)


def test_a_conversation_is_not_spoken():
    assert not OpenAIEmbeddings().speaks(ChatRequest())
    assert OpenAIEmbeddings().speaks(TEXTS)
