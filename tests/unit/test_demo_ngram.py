"""The demo backend's language model: tokens, probabilities, drawing, stop sequences."""

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest

from demo_backend.models import trained_models
from demo_backend.ngram import NgramModel
from demo_backend.sampling import Sampling, draw
from demo_backend.stops import Stops, Token
from demo_backend.tokens import BEGIN, END, SPECIAL, UNKNOWN, UNKNOWN_WIDTH, Vocabulary, pieces

CATS = "the cat sat on the mat"
DOGS = "the dog ran to the park"


@pytest.fixture
def vocabulary():
    return Vocabulary([CATS, DOGS])


@pytest.fixture
def model(vocabulary):
    texts = [vocabulary.encode(CATS), vocabulary.encode(DOGS)]
    return NgramModel(texts, len(vocabulary))


def show(shown: Iterable[Token]) -> str:
    return "".join(token.text for token in shown)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "  two  spaces ",
        "x\n    y\n\n",
        "tab\tcr\r\n",
        "naïve — “quoted”",
        "🐍\ud800",
        "a_b1+=2",
    ],
    ids=["empty", "words", "spaces", "indent", "control", "unicode", "surrogate", "code"],
)
def test_pieces_join_back_to_the_text(text):
    assert "".join(pieces(text)) == text


def test_known_text_survives_encode_and_decode(vocabulary):
    assert vocabulary.decode(vocabulary.encode(CATS)) == CATS


def test_a_long_unknown_word_costs_more_than_a_short_one(vocabulary):
    assert vocabulary.encode("x") == [UNKNOWN]
    assert vocabulary.encode("x" * (3 * UNKNOWN_WIDTH)) == [UNKNOWN] * 3


def test_probabilities_sum_to_one_after_any_context():
    models = trained_models()
    leaning = models.ngram.leaning(models.lsa.relevance(["dictionaries"]))
    contexts = ["", "The", "A dictionary display", "zebra zebra", "raised when an exception is"]
    for text in contexts:
        probabilities = leaning.probabilities([BEGIN, *models.vocabulary.encode(text)])
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-9)
        assert probabilities.min() >= 0.0


def test_every_known_token_is_possible_and_no_mark_but_the_end(model, vocabulary):
    probabilities = model.leaning().probabilities([BEGIN])
    assert probabilities[BEGIN] == probabilities[UNKNOWN] == 0.0
    assert probabilities[END] > 0.0
    assert (probabilities[len(SPECIAL) :] > 0.0).all()


def test_a_longer_context_decides_between_continuations(model, vocabulary):
    leaning = model.leaning()
    cat, dog = vocabulary.encode("the cat")[1], vocabulary.encode("the dog")[1]
    mat, park = vocabulary.encode("the mat")[1], vocabulary.encode("the park")[1]
    after_on = leaning.probabilities(vocabulary.encode("the cat sat on the"))
    assert after_on[mat] > 5 * max(after_on[park], after_on[cat], after_on[dog])


def test_a_context_never_reaches_over_the_start_of_a_passage(model, vocabulary):
    # "mat" ends the first passage and "the" begins the second; they are not neighbours.
    after_mat = model.leaning().probabilities(vocabulary.encode("the mat"))
    assert after_mat.argmax() == END


def test_relevance_moves_the_counts_towards_a_passage(model, vocabulary):
    dog = vocabulary.encode("the dog")[1]
    start = [BEGIN, *vocabulary.encode("the")]
    even = model.leaning().probabilities(start)[dog]
    towards = model.leaning(np.array([0.1, 1.9])).probabilities(start)[dog]
    away = model.leaning(np.array([1.9, 0.1])).probabilities(start)[dog]
    assert away < even < towards


def test_real_sentences_are_likelier_than_their_words_shuffled():
    models = trained_models()
    leaning = models.ngram.leaning()
    ids = models.vocabulary.encode("The value of the expression is assigned to the target list.")

    def logprob(sequence: list[int]) -> float:
        steps = range(1, len(sequence))
        return sum(math.log(leaning.probabilities(sequence[:i])[sequence[i]]) for i in steps)

    shuffled = list(np.random.default_rng(0).permutation(ids))
    assert logprob([BEGIN, *ids]) > logprob([BEGIN, *shuffled]) + 10


def test_draws_follow_the_probabilities():
    probabilities = np.array([0.0, 0.5, 0.0, 0.3, 0.2, 0.0])
    rng = np.random.default_rng(1)
    drawn = Counter(draw(probabilities, rng) for _ in range(20_000))
    assert set(drawn) == {1, 3, 4}
    for id_, probability in enumerate(probabilities):
        assert drawn[id_] / 20_000 == pytest.approx(probability, abs=0.02)


PROBABILITIES = np.array([0.0, 0.5, 0.1, 0.4])


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        pytest.param(Sampling(), [0.0, 0.5, 0.1, 0.4], id="as-it-is"),
        pytest.param(Sampling(temperature=0.0), [0, 1, 0, 0], id="coldest"),
        pytest.param(Sampling(temperature=0.5), [0, 25 / 42, 1 / 42, 16 / 42], id="colder"),
        pytest.param(Sampling(temperature=0.0005), [0, 1, 0, 0], id="nearly-coldest"),
        pytest.param(Sampling(top_p=0.9), [0, 5 / 9, 0, 4 / 9], id="nucleus"),
        pytest.param(Sampling(top_p=0.0), [0, 1, 0, 0], id="smallest-nucleus"),
        pytest.param(Sampling(presence_penalty=math.log(2)), [0, 5 / 15, 2 / 15, 8 / 15], id="presence"),
        pytest.param(Sampling(frequency_penalty=math.log(2) / 2), [0, 5 / 15, 2 / 15, 8 / 15], id="frequency"),
    ],
)
def test_sampling_shapes_the_probabilities(sampling, expected):
    shaped = sampling.shape(PROBABILITIES, {1: 2})
    assert shaped == pytest.approx(expected, abs=1e-6)


def test_shaping_leaves_the_models_probabilities_alone():
    before = PROBABILITIES.copy()
    Sampling(temperature=0.3, top_p=0.5, presence_penalty=1.0).shape(PROBABILITIES, {1: 2})
    assert (before == PROBABILITIES).all()


@pytest.mark.parametrize("width", range(1, 24))
def test_text_ends_before_the_first_stop_wherever_tokens_are_cut(width):
    text = "one two END three STOP"
    stops = Stops(["STOP", "END"])
    shown = []
    for start in range(0, len(text), width):
        shown += stops.feed(Token(text[start : start + width], -1.0))
        assert "one two ".startswith(show(shown))
        if stops.reached:
            break
    assert stops.reached
    assert show(shown) == "one two "


@pytest.mark.parametrize("width", range(1, 12))
def test_text_that_only_begins_like_a_stop_is_shown_in_full(width):
    text = "an EN, an E, and then EN"
    stops = Stops(["END"])
    shown = []
    for start in range(0, len(text), width):
        shown += stops.feed(Token(text[start : start + width], -1.0))
    assert show([*shown, *stops.flush()]) == text
    assert not stops.reached


def test_tokens_are_shown_at_once_when_they_cannot_begin_a_stop():
    stops = Stops(["END"])
    assert show(stops.feed(Token("plain", -1.0))) == "plain"
    assert show(stops.feed(Token("E", -1.0))) == ""
    assert show(stops.feed(Token("xit", -1.0))) == "Exit"
