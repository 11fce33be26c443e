from datetime import UTC, datetime, timedelta

import pytest

from airegistry.discovery.answers import ExclusionReason, ScoreBasis
from airegistry.discovery.index import Index
from airegistry.resources.agent import Agent, AgentInterface
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.prices import DailyWindow, Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Preference, Requirements, TokenMix
from airegistry.resources.resource import Resource

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPEN = Auth(method=AuthMethod.NONE)
USD = 1_000_000_000


def schedule(input_=None, output=None, cached=None, **conditions):
    buckets = zip(
        (PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS, PriceBucket.CACHE_READ_TOKENS),
        (input_, output, cached),
        strict=True,
    )
    prices = tuple(
        price if isinstance(price, Price) else Price(bucket, price) for bucket, price in buckets if price is not None
    )
    return PriceSchedule(prices, **conditions)


def endpoint(name, *schedules):
    return Resource(
        name=f"models/m/endpoints/{name}",
        endpoint=Endpoint(
            address="https://e.example",
            communication=Communication(dialect="openai.chat", auth=OPEN),
            prices=PriceList(schedules) if schedules else None,
        ),
    )


def agent(name, *prices):
    interfaces = (AgentInterface(url="https://a.example"),)
    asked = PriceList((PriceSchedule(prices),))
    return Resource(name=f"agents/{name}", agent=Agent(interfaces=interfaces, auth=OPEN, prices=asked))


def index_of(*resources, now=lambda: NOON):
    index = Index(now)
    index.replace(resources, 1)
    return index


def costs(index, target=None, **asked):
    answer = index.discover(DiscoverQuery(target=target, requirements=Requirements(**asked)))
    return {each.name.rsplit("/", 1)[1]: each.cost_nanos for each in answer.candidates}


def test_without_a_mix_it_is_three_input_tokens_to_one_output_token():
    assert costs(index_of(endpoint("e", schedule(4 * USD, 8 * USD)))) == {"e": 5 * USD}


def test_cached_tokens_cost_as_fresh_ones_where_no_cache_price_is_known():
    index = index_of(endpoint("cached", schedule(10, 0, 1)), endpoint("fresh", schedule(10, 0)))
    assert costs(index, usage=TokenMix(cache_read_tokens=1_000_000)) == {"cached": 1, "fresh": 10}


def test_a_bucket_that_the_mix_does_not_use_needs_no_price():
    index = index_of(endpoint("e", schedule(input_=7)))
    assert costs(index, usage=TokenMix(input_tokens=1_000_000)) == {"e": 7}
    assert costs(index, usage=TokenMix(1_000_000, 1)) == {"e": None}


def test_an_unknown_price_is_neither_zero_nor_cheap():
    index = index_of(endpoint("unknown"), endpoint("free", schedule(0, 0)), endpoint("usual", schedule(USD, 4 * USD)))
    answer = index.discover(DiscoverQuery(preference=Preference.CHEAPEST))
    assert [each.name.rsplit("/")[-1] for each in answer.candidates] == ["free", "usual", "unknown"]
    parts = [each.score.parts[0] for each in answer.candidates]
    assert [part.basis for part in parts] == [ScoreBasis.DECLARED, ScoreBasis.DECLARED, ScoreBasis.PRIOR]
    assert (parts[0].value, parts[2].value) == (1.0, 0.2)


def test_the_tier_is_chosen_by_all_input_cached_included():
    tiers = (PriceTier(above=100, nanos=2_000_000), PriceTier(above=1_000, nanos=3_000_000))
    price = Price(PriceBucket.INPUT_TOKENS, 1_000_000, tiers)
    index = index_of(endpoint("tiered", schedule(price, 0, 0)), endpoint("plain", schedule(1_000_000, 0, 0)))
    expected = {TokenMix(100): 100, TokenMix(101): 202, TokenMix(100, 0, 901): 300, TokenMix(1_000): 2_000}
    for mix, cost in expected.items():
        assert costs(index, usage=mix)["tiered"] == cost
        assert costs(index, usage=mix)["plain"] == mix.input_tokens


def test_tiers_that_are_gone_are_forgotten():
    tiered = Price(PriceBucket.INPUT_TOKENS, 1_000_000, (PriceTier(above=100, nanos=2_000_000),))
    index = index_of(endpoint("e", schedule(tiered)))
    index.apply([endpoint("e", schedule(1_000_000))], (), 2)
    assert costs(index, usage=TokenMix(200)) == {"e": 200}


@pytest.mark.parametrize(("nanos", "cost"), [(500_000, 0), (500_001, 1), (1_500_000, 2), (2_500_000, 2)])
def test_a_cost_is_rounded_half_to_even_and_filtered_as_it_is_shown(nanos, cost):
    index = index_of(endpoint("e", schedule(nanos, 0)))
    mix = TokenMix(input_tokens=1)
    assert costs(index, usage=mix, max_cost_nanos=cost) == {"e": cost}
    if cost:
        assert costs(index, usage=mix, max_cost_nanos=cost - 1) == {}


def test_an_average_price_is_compared_exactly_however_small_the_mix():
    index = index_of(endpoint("e", schedule(999_999_999, 999_999_999)))
    mix = TokenMix(1, 1)
    assert costs(index, usage=mix, max_price_per_million_nanos=999_999_999) == {"e": 2_000}
    assert costs(index, usage=mix, max_price_per_million_nanos=999_999_998) == {}


def test_costs_beyond_64_bits_are_compared_exactly_and_shown_as_the_most_that_the_wire_holds():
    price, most = 2**62, 2**63 - 1
    index = index_of(endpoint("e", schedule(price, 0)), endpoint("cheap", schedule(2, 0)))
    assert costs(index, usage=TokenMix(input_tokens=10**12)) == {"cheap": 2 * 10**6, "e": most}
    # A limit is at most what the wire holds; what it is compared with passes 64 bits long before that.
    asked, exact = {"usage": TokenMix(input_tokens=1_500_000)}, price * 3 // 2
    assert costs(index, **asked, max_cost_nanos=exact) == {"cheap": 3, "e": exact}
    assert costs(index, **asked, max_cost_nanos=exact - 1) == {"cheap": 3}


def test_too_expensive_and_of_unknown_price_are_cut_by_price():
    index = index_of(endpoint("unknown"), endpoint("dear", schedule(9 * USD, 9 * USD)), endpoint("ok", schedule(1, 1)))
    answer = index.discover(DiscoverQuery(requirements=Requirements(max_price_per_million_nanos=USD)))
    assert [(each.reason, each.count) for each in answer.exclusions] == [(ExclusionReason.PRICE, 2)]


def test_prices_change_when_their_schedule_begins_and_ends():
    clock = [NOON]
    hour = timedelta(hours=1)
    sale = schedule(1, 1, start_time=NOON + hour, end_time=NOON + 2 * hour)
    index = index_of(endpoint("e", schedule(5, 5), sale), now=lambda: clock[0])
    seen = []
    for _ in range(3):
        seen.append(costs(index)["e"])
        clock[0] += hour
    assert seen == [5, 1, 5]


def test_prices_change_every_day_with_their_window():
    clock = [NOON]
    night = schedule(1, 1, daily_window=DailyWindow(22 * 3_600, 6 * 3_600))
    index = index_of(endpoint("e", schedule(5, 5), night), now=lambda: clock[0])
    seen = []
    for _ in range(8):
        seen.append(costs(index)["e"])
        clock[0] += timedelta(hours=6)
    assert seen == [5, 5, 1, 5, 5, 5, 1, 5]


def test_a_window_that_is_over_for_today_comes_again_tomorrow():
    clock = [NOON + timedelta(hours=11)]
    night = schedule(1, 1, daily_window=DailyWindow(22 * 3_600, 6 * 3_600))
    index = index_of(endpoint("e", schedule(5, 5), night), now=lambda: clock[0])
    assert costs(index) == {"e": 1}
    clock[0] += timedelta(hours=8)
    assert costs(index) == {"e": 5}


def test_an_agent_paid_by_the_task_costs_that_whatever_the_mix():
    task, tokens = Price(PriceBucket.AGENT_TASKS, 3 * USD), Price(PriceBucket.OUTPUT_TOKENS, 2_000_000)
    index = index_of(agent("by-task", task), agent("both", task, tokens), agent("by-token", tokens))
    found = costs(index, target=DiscoverTarget.AGENT, usage=TokenMix(10, 5))
    assert found == {"by-task": 3 * USD, "both": 3 * USD + 10, "by-token": None}
