"""Vectors of an Ollama: what is asked, and what comes back."""

import json

import pytest

from airegistry.dialects.ollama.embed import OllamaEmbed
from airegistry.errors import (
    ContextLengthError,
    InvalidArgumentError,
    MalformedAnswerError,
    ProviderModelNotFoundError,
    UnsupportedFieldError,
)
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.embeddings import Embedding, EmbeddingInput, EmbeddingsRequest, TokenIds
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import Endpoint

ENDPOINT = Endpoint(address="http://127.0.0.1:11434", upstream_model="nomic-embed-text")


def asked(*texts, **fields):
    return EmbeddingsRequest(tuple(EmbeddingInput(text=text) for text in texts or ("one",)), **fields)


def encoded(request, **how):
    return OllamaEmbed().encode(request, ENDPOINT, **{"stream": False} | how)


def decoded(body, *texts):
    return OllamaEmbed().decode(asked(*texts), 200, {}, json.dumps(body).encode())


def test_texts_are_posted_to_api_embed():
    extra = {"truncate": False, "keep_alive": 0, "num_ctx": 512, "options": {"num_batch": 8}}
    made = encoded(asked("one", "two", dimensions=64, extra=extra))
    assert made.call.url == "http://127.0.0.1:11434/api/embed"
    assert json.loads(made.call.body) == {
        "model": "nomic-embed-text",
        "input": ["one", "two"],
        "dimensions": 64,
        "truncate": False,
        "keep_alive": 0,
        "options": {"num_ctx": 512, "num_batch": 8},
    }
    assert made.warnings == ()


def test_what_is_lost_is_named():
    made = encoded(asked(purpose="query", user="u", extra={"encoding_format": "float"}))
    assert [warning.path for warning in made.warnings] == [
        "embeddings.purpose",
        "embeddings.user",
        "embeddings.extra.encoding_format",
    ]


def test_tokens_are_refused_by_path():
    tokens = EmbeddingsRequest((EmbeddingInput(text="a"), EmbeddingInput(token_ids=TokenIds((1, 2)))))
    with pytest.raises(UnsupportedFieldError, match=r"embeddings\.inputs\[1\]\.token_ids"):
        encoded(tokens)


def test_extra_does_not_repeat_the_request():
    with pytest.raises(InvalidArgumentError, match=r"embeddings\.extra\.input"):
        encoded(asked(extra={"input": "x"}))


def test_a_callers_own_words_pass_byte_for_byte_but_for_the_model():
    wire = b'{"model":"mine","input":"one","later":[1.0,  2]}'
    assert encoded(asked(), wire=wire).call.body.endswith(b'"later":[1.0,  2],"model":"nomic-embed-text"}')


def test_vectors_come_in_the_order_of_the_texts_with_what_was_counted():
    body = {
        "model": "nomic-embed-text",
        "embeddings": [[0.5, -0.25], [1, 2]],
        "total_duration": 14143917,
        "load_duration": 1019500,
        "prompt_eval_count": 8,
    }
    answer = decoded(body, "one", "two")
    assert answer.output.embeddings == (Embedding(0, (0.5, -0.25)), Embedding(1, (1.0, 2.0)))
    assert answer.output.upstream_model == "nomic-embed-text"
    assert answer.output.extra == {"total_duration": 14143917, "load_duration": 1019500}
    assert answer.usage == Usage(input_tokens=8, output_tokens=0)


def test_what_was_not_counted_is_unknown():
    assert decoded({"model": "m", "embeddings": [[1.0]]}).usage is None


@pytest.mark.parametrize("embeddings", [None, [], [[1.0], [2.0]], [[]], [["x"]], {}, [[1e39]]], ids=[*"abcdefg"])
def test_a_vector_that_is_none_or_one_too_many_is_malformed(embeddings):
    with pytest.raises(MalformedAnswerError):
        decoded({"model": "m", "embeddings": embeddings})


@pytest.mark.parametrize(
    ("status", "words", "cls"),
    [
        (404, 'model "nope" not found, try pulling it first', ProviderModelNotFoundError),
        (400, "the input length exceeds the context length", ContextLengthError),
        (200, "the input length exceeds the context length", ContextLengthError),
    ],
)
def test_an_error_says_what_it_is(status, words, cls):
    with pytest.raises(cls):
        OllamaEmbed().decode(asked(), status, {}, json.dumps({"error": words}).encode())


def test_it_speaks_vectors_whole():
    dialect = OllamaEmbed()
    assert dialect.speaks(asked())
    assert not dialect.speaks(ChatRequest())
    with pytest.raises(UnsupportedFieldError):
        encoded(asked(), stream=True)
    with pytest.raises(UnsupportedFieldError):
        dialect.decoder(asked())
    with pytest.raises(UnsupportedFieldError):
        encoded(ChatRequest())
