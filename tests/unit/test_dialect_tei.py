"""Text Embeddings Inference: vectors and orders."""

import json

import pytest

from airegistry.dialects.tei.embed import TEIEmbed
from airegistry.dialects.tei.rerank import TEIRerank
from airegistry.errors import (
    ContextLengthError,
    InvalidArgumentError,
    MalformedAnswerError,
    ProviderFailedError,
    ProviderOverloadedError,
    ProviderRejectedError,
    UnsupportedFieldError,
)
from airegistry.invocations.embeddings import Embedding, EmbeddingInput, EmbeddingsRequest, TokenIds
from airegistry.invocations.kinds import RerankRequest, RerankResult
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import Communication, Endpoint

ENDPOINT = Endpoint(address="http://tei:80", upstream_model="BAAI/bge-small")
TEXTS = EmbeddingsRequest((EmbeddingInput(text="one"), EmbeddingInput(token_ids=TokenIds((1, 2)))))
DOCUMENTS = RerankRequest("q", ("bad", "good", "fair"))
COUNTED = {"x-compute-tokens": "12"}


def json_of(encoded):
    return json.loads(encoded.call.body)


def embedded(body, headers=None):
    return TEIEmbed().decode(TEXTS, 200, headers or {}, json.dumps(body).encode())


def ranked(body, request=DOCUMENTS, headers=None):
    return TEIRerank().decode(request, 200, headers or {}, json.dumps(body).encode())


def test_texts_and_tokens_are_posted_to_embed():
    extra = {"normalize": False, "truncate": True, "prompt_name": "query"}
    request = EmbeddingsRequest(TEXTS.inputs, dimensions=64, purpose="query", extra=extra)
    encoded = TEIEmbed().encode(request, ENDPOINT, stream=False)
    assert encoded.call.url == "http://tei:80/embed"
    assert json_of(encoded) == {"inputs": ["one", [1, 2]], "dimensions": 64, **extra}
    assert encoded.warnings == ()


def test_what_is_lost_of_texts_is_named():
    request = EmbeddingsRequest(TEXTS.inputs, purpose="query", user="u", extra={"model": "x"})
    warnings = TEIEmbed().encode(request, ENDPOINT, stream=False).warnings
    assert [warning.path for warning in warnings] == [
        "embeddings.extra.model",
        "embeddings.purpose",
        "embeddings.user",
    ]


def test_extra_does_not_repeat_the_request():
    with pytest.raises(InvalidArgumentError, match=r"embeddings\.extra\.inputs"):
        TEIEmbed().encode(EmbeddingsRequest(TEXTS.inputs, extra={"inputs": []}), ENDPOINT, stream=False)


def test_vectors_are_counted_by_a_header():
    answer = embedded([[0.5, 1.0], [0.25, 2.0]], COUNTED)
    assert answer.output.embeddings == (Embedding(0, (0.5, 1.0)), Embedding(1, (0.25, 2.0)))
    assert answer.usage == Usage(input_tokens=12, output_tokens=0)


@pytest.mark.parametrize("said", ["", "many", "-1", "1.5", "9" * 30, "²"])
def test_a_header_that_counts_nothing_leaves_the_usage_unknown(said):
    assert embedded([[1.0], [2.0]], {"x-compute-tokens": said}).usage is None


@pytest.mark.parametrize("body", [{}, [[1.0]], [[1.0], []], [[1.0], ["x"]], None], ids=[*"abcde"])
def test_what_is_no_vectors_is_malformed(body):
    with pytest.raises(MalformedAnswerError):
        embedded(body)


def test_documents_are_posted_to_rerank():
    endpoint = Endpoint(address="http://tei:80", communication=Communication(path="/v2/rerank"))
    encoded = TEIRerank().encode(DOCUMENTS, endpoint, stream=False)
    assert encoded.call.url == "http://tei:80/v2/rerank"
    assert json_of(encoded) == {
        "query": "q",
        "texts": ["bad", "good", "fair"],
        "raw_scores": False,
        "return_text": False,
    }


def test_the_best_comes_first_whatever_the_servers_order():
    body = [{"index": 0, "score": 0.1}, {"index": 2, "score": 0.5}, {"index": 1, "score": 0.9}]
    answer = ranked(body, headers=COUNTED)
    assert answer.output.results == (RerankResult(1, 0.9), RerankResult(2, 0.5), RerankResult(0, 0.1))
    assert answer.usage == Usage(input_tokens=12, output_tokens=0)


def test_as_many_as_asked_for_with_their_documents():
    body = [{"index": 1, "score": 0.9}, {"index": 2, "score": 0.5}, {"index": 0, "score": 0.1}]
    request = RerankRequest("q", DOCUMENTS.documents, top_n=2, return_documents=True)
    assert ranked(body, request).output.results == (RerankResult(1, 0.9, "good"), RerankResult(2, 0.5, "fair"))


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        [{"index": 0, "score": 1.0}],
        [{"index": i, "score": 1.0} for i in (0, 1, 1)],
        [{"index": i, "score": 1.0} for i in (0, 1, 3)],
        [{"index": i} for i in range(3)],
        [{"score": 1.0}] * 3,
    ],
    ids=["object", "none", "missing", "twice", "foreign", "no-score", "no-index"],
)
def test_an_order_that_is_not_one_of_the_documents_is_malformed(body):
    with pytest.raises(MalformedAnswerError):
        ranked(body)


@pytest.mark.parametrize("dialect", [TEIEmbed(), TEIRerank()], ids=["embed", "rerank"])
@pytest.mark.parametrize(
    ("status", "words", "kind", "cls"),
    [
        (429, "Model is overloaded", "Overloaded", ProviderOverloadedError),
        (413, "batch size 33 > maximum allowed batch size 32", "Validation", ProviderRejectedError),
        (422, "batch size 33 > maximum allowed batch size 32", "Validation", ProviderRejectedError),
        (
            413,
            "Input validation error: `inputs` must have less than 512 tokens. Given: 600",
            "Validation",
            ContextLengthError,
        ),
        (413, "Input validation error: `inputs` cannot be empty", "Validation", ProviderRejectedError),
        (422, "Tokenization error", "Tokenizer", ProviderRejectedError),
        (424, "Inference failed", "Backend", ProviderFailedError),
        (424, "model is not a re-ranker model", "Backend", ProviderFailedError),
        (503, "unhealthy", "Unhealthy", ProviderOverloadedError),
    ],
)
def test_an_error_says_what_it_is(dialect, status, words, kind, cls):
    body = json.dumps({"error": words, "error_type": kind}).encode()
    found = dialect.error(status, {}, body)
    assert type(found) is cls
    assert words in found.message
    assert found.metadata["type"] == kind


@pytest.mark.parametrize(
    ("dialect", "own", "other"),
    [(TEIEmbed(), TEXTS, DOCUMENTS), (TEIRerank(), DOCUMENTS, TEXTS)],
    ids=["embed", "rerank"],
)
def test_each_speaks_its_own_kind_whole(dialect, own, other):
    assert dialect.speaks(own)
    assert not dialect.speaks(other)
    for request, stream in ((other, False), (own, True)):
        with pytest.raises(UnsupportedFieldError):
            dialect.encode(request, ENDPOINT, stream=stream)
    with pytest.raises(UnsupportedFieldError):
        dialect.decoder(own)
