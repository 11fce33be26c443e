"""An order that follows changes is that of a fresh sort, whoever is selected."""

import random

import numpy as np
import pytest

from airegistry.discovery.ordering import Ordering


def best_of(totals, numbers, selected, limit):
    there = [row for row in selected if not np.isnan(totals[row])]
    return sorted(there, key=lambda row: (-totals[row], numbers[row]))[:limit]


@pytest.mark.parametrize("different", [3, 10_000], ids=["mostly-ties", "mostly-different"])
@pytest.mark.parametrize("at_once", [1, 40, 700], ids=str)
def test_the_best_are_those_of_a_fresh_sort_through_any_changes(different, at_once):
    rng, size = random.Random(different + at_once), 2_000
    numbers = np.array(rng.sample(range(10 * size), size))
    totals = np.array([rng.randrange(different) / different for _ in range(size)])
    everyone = np.arange(size)
    order = Ordering(everyone, totals, numbers)
    for _ in range(60):
        rows = rng.sample(range(size), at_once)
        for row in rows:
            # A row that was freed and taken again has another name.
            numbers[row] = rng.randrange(10 * size, 10**9)
            totals[row] = np.nan if rng.random() < 0.1 else rng.randrange(different) / different
        order.move([(row, float(totals[row])) for row in rows], numbers)
        for share in (0.01, 0.3, 1.0):
            mask = np.array([rng.random() < share for _ in range(size)]) & ~np.isnan(totals)
            for limit in (1, 10, size):
                found = order.best(mask, limit, numbers)
                assert found == best_of(totals, numbers, mask.nonzero()[0].tolist(), limit)


def test_a_row_that_comes_later_is_found():
    order = Ordering(np.arange(3), np.array([0.1, 0.2, 0.3]), np.arange(3))
    numbers = np.arange(4)
    order.move([(3, 0.25)], numbers)
    assert order.best(np.ones(4, np.bool_), 4, numbers) == [2, 3, 1, 0]
