"""Numbers as callers of the SDK write them: money is exact, and what is wrong is told by its name."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.errors import InvalidArgumentError
from airegistry.models.amounts import nanos, seconds, share, whole

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        pytest.param(Decimal("0.000002"), 2_000_000_000, id="decimal"),
        pytest.param("0.000002", 2_000_000_000, id="text"),
        pytest.param("2e-6", 2_000_000_000, id="exponent"),
        pytest.param(0, 0, id="zero"),
        pytest.param(1, 10**15, id="int"),
        pytest.param(0.000002, 2_000_000_000, id="float"),
        pytest.param(0.1 + 0.2, 300_000_000_000_000, id="float-that-is-not-quite-0.3"),
    ],
)
def test_a_price_per_token_becomes_nano_dollars_per_million(amount, expected):
    assert nanos(amount, "max_cost_per_token", per=MILLION) == expected


@given(st.integers(0, 2**53))
def test_every_amount_of_whole_nanos_comes_back_exactly(amount):
    exact = Decimal(amount) / 10**9
    assert nanos(exact, "max_cost") == nanos(str(exact), "max_cost") == amount


@given(st.decimals(0, 10_000, places=6))
def test_a_float_means_the_decimal_that_it_was_written_as(amount):
    assert nanos(float(amount), "max_cost") == nanos(amount, "max_cost")


def test_a_float_between_two_nanos_goes_to_the_even_one():
    # In binary 5e-10 is a little more than half a nano-USD.
    assert [nanos(value, "max_cost") for value in (5e-10, 1.5e-9, 2.5e-9)] == [0, 2, 2]


@pytest.mark.parametrize(
    "amount",
    [
        *(
            pytest.param(x, id=str(x))
            for x in (-1, "-0.5", "1,50", "", "nan", "Infinity", "1e999999999", "1e-999999999")
        ),
        pytest.param(float("nan"), id="float-nan"),
        pytest.param(float("inf"), id="float-inf"),
        pytest.param(1e300, id="more-than-there-is"),
        pytest.param(10**11, id="more-than-can-be-told"),
        pytest.param(Decimal("sNaN"), id="signalling-nan"),
        pytest.param("0.0000000001", id="finer-than-a-nano-dollar"),
        pytest.param(True, id="bool"),
        pytest.param(b"1", id="bytes"),
        pytest.param([1], id="list"),
    ],
)
def test_what_is_no_amount_is_refused_by_the_name_of_its_argument(amount):
    with pytest.raises(InvalidArgumentError) as refused:
        nanos(amount, "max_cost")
    assert [violation.field for violation in refused.value.violations] == ["max_cost"]


@pytest.mark.parametrize(
    ("read", "value"),
    [
        *(pytest.param(seconds, x, id=f"seconds-{x}") for x in (-1, "5", True, float("nan"), float("inf"))),
        *(pytest.param(share, x, id=f"share-{x}") for x in (1.01, -0.1, "0.5", None)),
        *(pytest.param(whole, x, id=f"whole-{x}") for x in (-1, 1.0, "1", True, 2**63)),
    ],
)
def test_other_numbers_are_finite_and_within_their_bounds(read, value):
    with pytest.raises(InvalidArgumentError, match=r"^limit: "):
        read(value, "limit")
