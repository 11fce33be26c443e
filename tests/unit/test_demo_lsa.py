"""The demo backend's embeddings: which texts are near to which."""

import numpy as np
import pytest

from demo_backend.cards import EMBEDDING_DIMENSIONS
from demo_backend.corpus import passages
from demo_backend.lsa import LsaModel, words
from demo_backend.models import trained_models

RELATED = [
    ("keys and values of a dictionary", "mapping items", "raising an exception"),
    ("for loop", "while statement with break", "unicode string literals"),
    ("try except finally", "an exception handler", "slicing a list"),
    ("import a package", "modules and sys.path", "floating point division"),
    ("class inheritance", "metaclass and base classes", "escape sequences in strings"),
]


@pytest.fixture(scope="module")
def lsa():
    return trained_models().lsa


@pytest.mark.parametrize(("text", "near", "far"), RELATED, ids=["dict", "loop", "try", "import", "class"])
def test_related_texts_are_nearer_than_unrelated_ones(lsa, text, near, far):
    assert lsa.embed(text) @ lsa.embed(near) > lsa.embed(text) @ lsa.embed(far) + 0.05


@pytest.mark.parametrize("dimensions", [1, 64, EMBEDDING_DIMENSIONS])
@pytest.mark.parametrize(
    "text",
    ["for loop", "zebra", "the", "?!", " ", "\ud800", "for zebra"],
    ids=["known", "unknown", "stop-word", "signs", "space", "surrogate", "mixed"],
)
def test_every_text_is_a_vector_of_length_one(lsa, text, dimensions):
    vector = lsa.embed(text, dimensions)
    assert vector.shape == (dimensions,)
    assert np.linalg.norm(vector) == pytest.approx(1.0)


def test_fewer_dimensions_are_the_first_ones_scaled_to_length_one(lsa):
    whole = lsa.embed("assignment expression")
    first = whole[:32] / np.linalg.norm(whole[:32])
    assert lsa.embed("assignment expression", 32) == pytest.approx(first)


def test_the_same_text_has_the_same_vector_after_another_training():
    text = "comparison of zebras with lists"
    again = LsaModel(passages(), EMBEDDING_DIMENSIONS)
    assert again.embed(text) == pytest.approx(trained_models().lsa.embed(text), abs=1e-4)


def test_unknown_words_are_near_themselves_and_near_nothing_else(lsa):
    zebra = lsa.embed("zebra")
    assert zebra @ lsa.embed("Zebra") == pytest.approx(1.0)
    assert abs(zebra @ lsa.embed("quokka")) < 0.3
    assert abs(zebra @ lsa.embed("for loop")) < 0.3


def test_relevance_finds_the_passages_about_a_subject(lsa):
    texts = passages()
    relevance = lsa.relevance(["Explain lambda expressions, please"])
    assert relevance.shape == (len(texts),)
    assert relevance.mean() == pytest.approx(1.0)
    assert "lambda" in texts[int(relevance.argmax())]


def test_the_last_text_decides_what_a_conversation_is_about(lsa):
    texts = passages()
    relevance = lsa.relevance(["lambda expressions", "the import statement"])
    assert "import" in texts[int(relevance.argmax())].partition("\n")[0]


def test_no_passage_is_preferred_without_a_known_word(lsa):
    assert lsa.relevance(["please tell me about zebras", "hello"]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dictionaries", ["dictionary"]),
        ("classes class", ["class", "class"]),
        ("explain the for-loops", ["loop"]),
        ("__init__", ["init"]),
        ("", []),
    ],
    ids=["y", "es", "stop-words", "dunder", "empty"],
)
def test_words_are_the_content_words_without_plural(text, expected):
    assert words(text) == expected


def test_passages_are_not_empty_and_hold_no_underlines():
    texts = passages()
    assert len(texts) > 300
    assert all(text.strip() for text in texts)
    assert not any("\n****" in text or "\n====" in text for text in texts)


def test_no_paragraph_counts_twice():
    paragraphs = [paragraph for text in passages() for paragraph in text.split("\n\n")]
    assert len(paragraphs) == len(set(paragraphs))
