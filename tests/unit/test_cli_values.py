"""What is written on a command line, and what is shown of what strangers wrote."""

import pytest
import typer

from airegistry.cli.arguments import hoisted
from airegistry.cli.options import requirement
from airegistry.cli.registering import MAX_BYTES, MAX_RESOURCES, batches, refuse_repeats
from airegistry.cli.values import (
    count,
    dollars,
    duration,
    figure,
    labels,
    mix,
    one_of,
    per_million,
    price,
    safe,
    seconds,
    span,
    weight,
    weights,
)
from airegistry.errors import InvalidArgumentError, RequestTooLargeError
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model
from airegistry.resources.requirements import Preference, ScoreWeights, TokenMix
from airegistry.resources.resource import Resource


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(["get", "x", "-o", "json"], ["-o", "json", "get", "x"], id="behind"),
        pytest.param(["get", "x", "--output=json"], ["--output=json", "get", "x"], id="with-equals"),
        pytest.param(["get", "-ojson", "x"], ["-ojson", "get", "x"], id="attached"),
        pytest.param(["list", "--no-color", "--limit", "3"], ["--no-color", "list", "--limit", "3"], id="flag"),
        pytest.param(["invoke", "m", "--", "--output"], ["invoke", "m", "--", "--output"], id="after-two-dashes"),
        pytest.param(["register", "-f", "-"], ["register", "-f", "-"], id="others-stay"),
        pytest.param(["get", "x", "--timeout"], ["--timeout", "get", "x"], id="value-missing"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_common_options_may_stand_anywhere(written, read):
    assert hoisted(written) == read


@pytest.mark.parametrize(
    ("length", "shown"),
    [(0.4, "0 s"), (59.9, "59 s"), (60, "1 m"), (1_800, "30 m"), (7_199, "1 h"), (86_400, "1 d"), (None, "?")],
    ids=str,
)
def test_how_long_something_is_has_its_largest_whole_unit(length, shown):
    assert span(length) == shown


def test_a_short_time_has_three_digits_and_an_unknown_one_is_no_zero():
    assert [seconds(value) for value in (0.12345, 0.0, None, 1234.5)] == ["0.123 s", "0 s", "?", "1,234 s"]
    assert [figure(value) for value in (44.44, 999.4, 999.6, 9740.2, 1e7)] == [
        "44.4",
        "999",
        "1,000",
        "9,740",
        "10,000,000",
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30), ("1.5h", 5400), ("2m", 120), ("7d", 604_800), ("7", 7), ("2s", 2)],
    ids=str,
)
def test_durations_have_units(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("128000", 128_000),
        ("128_000", 128_000),
        ("128k", 128_000),
        ("1M", 1_000_000),
        ("1.5k", 1_500),
        ("0.3M", 300_000),
    ],
    ids=str,
)
def test_tokens_may_be_written_in_thousands(text, tokens):
    assert count(text) == tokens


def test_dollars_are_exact():
    assert dollars("0.1") == dollars("$0.1") == 100_000_000


@pytest.mark.parametrize("text", ["2", "2.00", "$2", "2/M", "2 / 1M", "0.002/k", "0.002/1k", "0.000002/token"], ids=str)
def test_prices_are_per_million_tokens_unless_the_unit_says_otherwise(text):
    assert per_million(text) == 2_000_000_000


def test_a_price_per_token_may_be_finer_than_money_is():
    assert per_million("0.0000000000015/token") == 1_500


def test_a_mix_of_tokens_may_have_a_cache():
    assert mix("20k:1k") == TokenMix(20_000, 1_000)
    assert mix("20k:1k:0.1M") == TokenMix(20_000, 1_000, 100_000)


def test_words_are_read_with_dashes_or_underscores():
    reliable = one_of(Preference)
    assert reliable("most-reliable") is reliable("MOST_RELIABLE") is Preference.MOST_RELIABLE


def test_what_has_no_weight_counts_nothing():
    assert weights([weight("cost=0.5"), weight("quality=2")]) == ScoreWeights(cost=0.5, quality=2.0)
    assert weights([]) is None


def test_an_option_that_may_be_unknown_is_known_by_its_own_name():
    assert [requirement(text) for text in ("max-latency", "--max-price", "min_reliability", "*")] == [
        "max_time_to_first_token",
        "max_price_per_million_nanos",
        "min_reliability",
        "*",
    ]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        pytest.param(duration, "soon", id="duration"),
        pytest.param(duration, "-1s", id="negative-duration"),
        pytest.param(duration, "nan", id="nan-duration"),
        pytest.param(count, "many", id="count"),
        pytest.param(count, "1.0001k", id="part-of-a-token"),
        pytest.param(count, "-5", id="negative-count"),
        pytest.param(dollars, "1,50", id="dollars"),
        pytest.param(per_million, "2/G", id="unit"),
        pytest.param(per_million, "-2", id="negative-price"),
        pytest.param(per_million, "nan", id="nan-price"),
        pytest.param(per_million, "0.0000000000000001/token", id="too-fine-a-price"),
        pytest.param(mix, "20k", id="half-a-mix"),
        pytest.param(mix, "1:2:3:4", id="more-than-a-mix"),
        pytest.param(one_of(Preference), "nicest", id="word"),
        pytest.param(weight, "speed=1", id="part-of-a-score"),
        pytest.param(weight, "cost=nan", id="nan-weight"),
        pytest.param(requirement, "max-latncy", id="option-that-may-be-unknown"),
        pytest.param(dollars, "inf", id="infinite-dollars"),
        pytest.param(lambda text: labels([text]), "team", id="label"),
        pytest.param(lambda text: labels([text]), "=x", id="label-without-key"),
    ],
)
def test_what_is_not_understood_is_wrong_usage(read, text):
    with pytest.raises(typer.BadParameter):
        read(text)


def test_a_label_may_be_empty_or_hold_an_equals_sign():
    assert labels(["a=", "b=c=d"]) == {"a": "", "b": "c=d"}


def test_unknown_is_not_free():
    assert (price(None), price(0)) == ("?", "0.00")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\x1b[2Jb", "a�[2Jb", id="escape"),
        pytest.param("a\x9b2Jb", "a�2Jb", id="eight-bit-escape"),
        pytest.param("a\rb\x07\x00", "a�b��", id="carriage-return-bell-nul"),
        pytest.param("\u202eabc\u2066", "�abc�", id="direction"),
        pytest.param("line\n\ttab", "line\n\ttab", id="lines-and-tabs"),
        pytest.param("日本 👩\u200d💻 é", "日本 👩\u200d💻 é", id="everything-else"),
    ],
)
def test_no_text_can_steer_the_terminal(text, shown):
    assert safe(text) == shown


def test_one_request_keeps_the_order_that_was_written():
    resources = [Resource(name="models/a/endpoints/e", endpoint=Endpoint()), Resource(name="models/a", model=Model())]
    assert list(batches(resources)) == [resources]


def test_several_requests_have_parents_first_and_keep_every_limit():
    description = "x" * 8_000
    resources = [
        Resource(name=f"models/m{i}/endpoints/e", endpoint=Endpoint(quantization=description)) for i in range(900)
    ]
    resources += [Resource(name=f"models/m{i}", model=Model(description=description)) for i in range(900)]
    made = list(batches(resources))
    assert sorted(r.name for batch in made for r in batch) == sorted(r.name for r in resources)
    depths = [resource.name.count("/") for batch in made for resource in batch]
    assert depths == sorted(depths)
    assert all(len(batch) <= MAX_RESOURCES for batch in made)
    assert all(len(batch) * 8_000 <= MAX_BYTES for batch in made)


def test_no_request_has_too_many_resources_however_small_they_are():
    resources = [Resource(name=f"models/m{i}", model=Model()) for i in range(2 * MAX_RESOURCES + 1)]
    assert [len(batch) for batch in batches(resources)] == [MAX_RESOURCES, MAX_RESOURCES, 1]


def test_a_resource_that_no_request_takes_is_refused_before_any_is_sent():
    big = Resource(name="models/big", model=Model(original_ids=("x" * 300_000,)))
    with pytest.raises(RequestTooLargeError) as refused:
        list(batches([Resource(name="models/small", model=Model()), big]))
    assert refused.value.violations[0].field == "models/big"
    assert refused.value.metadata["limit"] == str(256 * 1024)


def test_a_name_that_is_given_twice_is_refused():
    with pytest.raises(InvalidArgumentError, match="models/a: is given twice"):
        refuse_repeats([Resource(name="models/a"), Resource(name="models/b"), Resource(name="models/a")])
