"""OpenAI's requests for embeddings as ours."""

import orjson
import pytest

from airegistry.errors import InvalidArgumentError
from airegistry.invocations.embeddings import EmbeddingInput, TokenIds
from gateway.fronts.openai.requests import read_embeddings


@pytest.mark.parametrize(
    ("given_input", "expected"),
    [
        ("a", (EmbeddingInput(text="a"),)),
        (["a", "b"], (EmbeddingInput(text="a"), EmbeddingInput(text="b"))),
        ([1, 2], (EmbeddingInput(token_ids=TokenIds((1, 2))),)),
        ([[1], [2, 3]], (EmbeddingInput(token_ids=TokenIds((1,))), EmbeddingInput(token_ids=TokenIds((2, 3))))),
    ],
    ids=["text", "texts", "tokens", "lists-of-tokens"],
)
def test_embeddings_take_all_four_forms_of_input(given_input, expected):
    call = read_embeddings(orjson.dumps({"model": "m", "input": given_input, "dimensions": 8, "x": 1}))
    assert call.request.inputs == expected
    assert call.request.dimensions == 8
    assert call.request.extra == {"x": 1}
    assert not call.base64


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": [1, "a"]}, "input"),
        ({"input": ["a", 1]}, "input[1]"),
        ({"input": [[1, -1]]}, "input[0]"),
        ({"input": [True]}, "input[0]"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "dimensions": "8"}, "dimensions"),
    ],
    ids=str,
)
def test_wrong_embeddings_are_named_by_their_path(body, param):
    with pytest.raises(InvalidArgumentError) as caught:
        read_embeddings(orjson.dumps({"model": "m", **body}))
    assert [violation.field for violation in caught.value.violations] == [param]


def test_base64_is_asked_for_by_its_name():
    assert read_embeddings(b'{"model":"m","input":"a","encoding_format":"base64"}').base64
