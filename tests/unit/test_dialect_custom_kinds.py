"""The dialect `custom`: embeddings, images and rankings, and what no endpoint of it can do."""

from dataclasses import replace
from typing import Any

import pytest

from airegistry.errors import MalformedAnswerError, UnsupportedFieldError
from airegistry.invocations.content import MediaBlock
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.kinds import ImageRequest, RerankRequest, RerankResult
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import CustomFormat
from tests.custom_formats import PARROT, body, dialect, encoded


def test_embeddings_are_read_in_the_order_of_their_inputs():
    custom = CustomFormat(
        request_template='{"in": {{ inputs | tojson }}}',
        response_paths={"embeddings": "rows[].v", "usage.input_tokens": "n"},
    )
    request = EmbeddingsRequest(inputs=(EmbeddingInput("a"), EmbeddingInput("b")))
    assert body(request, custom) == {"in": ["a", "b"]}
    answer = dialect(custom).decode(request, 200, {}, b'{"rows": [{"v": [0.5, 1]}, {"v": [2, 3]}], "n": 4}')
    output: Any = answer.output
    assert [one.values for one in output.embeddings] == [(0.5, 1.0), (2.0, 3.0)]
    assert answer.usage == Usage(input_tokens=4, output_tokens=0)
    with pytest.raises(MalformedAnswerError, match="1 vectors for 2 inputs"):
        dialect(custom).decode(request, 200, {}, b'{"rows": [{"v": [0.5, 1]}]}')


def test_images_are_read_as_urls_data_urls_and_base64():
    custom = CustomFormat(request_template='{"p": {{ prompt | tojson }}}', response_paths={"images": "out"})
    request = ImageRequest(prompt="a cat")
    assert body(request, custom) == {"p": "a cat"}
    answer = b'{"out": ["https://i.example/1.png", "data:image/png;base64,AA==", "AQ=="]}'
    output: Any = dialect(custom).decode(request, 200, {}, answer).output
    assert output.images == (
        MediaBlock(url="https://i.example/1.png"),
        MediaBlock(data=b"\x00", media_type="image/png"),
        MediaBlock(data=b"\x01"),
    )


def test_documents_are_ordered_by_score():
    paths = {"results": "r", "results.index": "i", "results.score": "s"}
    custom = CustomFormat(
        request_template='{"q": {{ query | tojson }}, "d": {{ documents | tojson }}}', response_paths=paths
    )
    request = RerankRequest(query="q", documents=("x", "y"))
    assert body(request, custom) == {"q": "q", "d": ["x", "y"]}
    output: Any = dialect(custom).decode(request, 200, {}, b'{"r": [{"i": 0, "s": 0.1}, {"i": 1, "s": 0.9}]}').output
    assert output.results == (RerankResult(1, 0.9), RerankResult(0, 0.1))


def test_a_kind_without_a_path_to_its_answer_is_refused():
    with pytest.raises(UnsupportedFieldError, match="no path to what answers a embeddings request"):
        encoded(EmbeddingsRequest(inputs=(EmbeddingInput("a"),)))


def test_a_format_that_does_not_compile_makes_the_endpoint_unfit():
    with pytest.raises(UnsupportedFieldError, match="is of no use here"):
        dialect(replace(PARROT, request_template="{{ promt }}"))
