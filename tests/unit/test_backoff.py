import random

from airegistry.backoff import Backoff


def test_waits_grow_up_to_a_limit_and_are_spread_over_all_of_it():
    waits = []
    for seed in range(200):
        backoff = Backoff(first=1.0, most=8.0, rng=random.Random(seed))
        waits.append([backoff.next() for _ in range(6)])
    for i, limit in enumerate([1, 2, 4, 8, 8, 8]):
        column = [row[i] for row in waits]
        assert 0 <= min(column) < 0.1 * limit
        assert 0.9 * limit < max(column) <= limit


def test_success_starts_over():
    backoff = Backoff(first=1.0, most=100.0, rng=random.Random(1))
    for _ in range(10):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 1.0


def test_the_server_may_ask_for_more():
    assert Backoff(first=1.0).next(at_least=30.0) == 30.0


def test_it_never_overflows():
    backoff = Backoff(first=1.0, most=8.0)
    backoff.failures = 100_000
    assert backoff.next() <= 8.0
