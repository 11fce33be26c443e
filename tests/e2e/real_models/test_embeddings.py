"""Vectors of a real model."""

import base64
import math
import struct

import openai
import pytest

from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.invocation import Invocation
from tests import catalogs
from tests.e2e.real_models.llama import llama_server
from tests.e2e.real_models.scene import scene, serving

TEXTS = ("a function returns a value", "a function returns values", "0x7f 0x80 0x81 0x82")
POOLED = ("--embeddings", "--pooling", "mean")
WIDTH = 128


@pytest.fixture
async def embedding(files, tmp_path):
    async with llama_server(files, tmp_path, *POOLED) as server:
        resources = [catalogs.model(), serving("m", server, "openai.embeddings")]
        async with scene(tmp_path, resources) as ready:
            yield ready


async def test_vectors_are_near_where_texts_are(embedding):
    answer = await embedding.openai.embeddings.create(model="m", input=list(TEXTS))
    near, nearer, far = (vector.embedding for vector in answer.data)
    assert [len(vector.embedding) for vector in answer.data] == [WIDTH] * 3
    assert cosine(near, nearer) > cosine(near, far)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 12


async def test_vectors_are_the_same_in_every_encoding_and_over_grpc(embedding):
    floats, packed = [
        (await embedding.openai.embeddings.create(model="m", input=TEXTS[0], encoding_format=form)).data[0].embedding
        for form in ("float", "base64")
    ]
    answer = await embedding.grpc.invoke(
        Invocation(model="m", embeddings=EmbeddingsRequest(inputs=(EmbeddingInput(text=TEXTS[0]),)))
    )
    assert answer.settlement.usage.input_tokens > 3
    (vector,) = answer.embeddings.embeddings
    assert struct.unpack(f"<{WIDTH}f", base64.b64decode(packed)) == pytest.approx(floats, abs=1e-6)
    assert list(vector.values) == pytest.approx(floats, abs=1e-6)


async def test_a_text_that_does_not_fit_is_told_as_such(embedding):
    with pytest.raises(openai.BadRequestError) as refused:
        await embedding.openai.embeddings.create(model="m", input="word " * 10_000)
    assert refused.value.code == "context_length_exceeded"


def cosine(one, other):
    return sum(x * y for x, y in zip(one, other, strict=True)) / math.hypot(*one) / math.hypot(*other)
