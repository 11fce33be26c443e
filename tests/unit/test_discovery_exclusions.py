"""Whom the filters cut, in words."""

import pytest

from airegistry.discovery.answers import Exclusion, ExclusionReason
from airegistry.discovery.exclusions import in_words, reason_in_words


def test_the_filter_that_cut_most_comes_first_and_equals_keep_their_order():
    counts = {ExclusionReason.CONTEXT: 9, ExclusionReason.PRICE: 21, ExclusionReason.CREDENTIAL: 7}
    exclusions = [Exclusion(reason, count) for reason, count in counts.items()]
    assert in_words(exclusions) == "37 excluded: 21 price, 9 context, 7 no credential"
    equal = [Exclusion(ExclusionReason.TASK, 1_000), Exclusion(ExclusionReason.REGION, 1_000)]
    assert in_words(equal) == "2,000 excluded: 1,000 other tasks, 1,000 region"


def test_nobody_cut_is_nothing_to_say():
    assert in_words([]) == ""


@pytest.mark.parametrize("reason", [None, *ExclusionReason], ids=str)
def test_every_reason_has_words(reason):
    words = reason_in_words(reason)
    assert words == words.lower()
    assert "_" not in words
