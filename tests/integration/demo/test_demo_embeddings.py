"""Embeddings and the list of models of the demo backend, through the official OpenAI SDK."""

import base64

import numpy as np
import pytest

from demo_backend.cards import CARDS, EMBEDDING, EMBEDDING_DIMENSIONS
from tests.demo_backends import EMBED

# One server for the whole file: it has to stay healthy whatever the tests before did to it.
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_related_texts_are_nearer_than_unrelated_ones(sdk):
    texts = [EMBED["input"], "mapping items", "raising an exception"]
    reply = await sdk.embeddings.create(model=EMBEDDING.id, input=texts)
    asked, near, far = (np.array(item.embedding) for item in reply.data)
    assert asked @ near > asked @ far + 0.05
    assert [item.index for item in reply.data] == [0, 1, 2]
    assert reply.usage.prompt_tokens == reply.usage.total_tokens > 0


async def test_both_encodings_hold_the_same_vector(http):
    floats, coded = [
        (await http.post("/v1/embeddings", {**EMBED, "encoding_format": name})).json() for name in ("float", "base64")
    ]
    vector = np.array(floats["data"][0]["embedding"])
    assert vector.shape == (EMBEDDING_DIMENSIONS,)
    raw = np.frombuffer(base64.b64decode(coded["data"][0]["embedding"]), "<f4")
    assert raw == pytest.approx(vector, abs=1e-6)


async def test_fewer_dimensions_are_still_of_length_one(sdk):
    reply = await sdk.embeddings.create(**EMBED, dimensions=16)
    vector = reply.data[0].embedding
    assert len(vector) == 16
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


async def test_models_are_listed_and_say_what_they_are(sdk):
    listed = [model async for model in sdk.models.list()]
    assert [model.id for model in listed] == list(CARDS)
    for model in listed:
        assert (await sdk.models.retrieve(model.id)) == model
        assert model.description.startswith("A toy:")
