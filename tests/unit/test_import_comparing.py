"""What catalogs say differently about the same model of the same provider."""

from datetime import UTC, datetime

from airegistry.importers.comparing import Place, compare
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Capability, Lifecycle, LifecycleStage, Modality, Model, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule, PriceTier
from airegistry.resources.provenance import FactSource
from airegistry.resources.resource import Resource

NOW = datetime(2026, 11, 29, tzinfo=UTC)
INPUT, OUTPUT = PriceBucket.INPUT_TOKENS, PriceBucket.OUTPUT_TOKENS


def source(*, provider="p", upstream="M", region="", prices=None, limits=None, **facts) -> list[Resource]:
    """Return one model of one provider, as an importer makes it; its name is none of what is compared."""
    endpoint = Endpoint(provider=provider, upstream_model=upstream, region=region, prices=prices, limits=limits)
    name = f"models/{provider}.{len(facts)}"
    return [Resource(name=name, model=Model(**facts)), Resource(name=f"{name}/endpoints/{provider}", endpoint=endpoint)]


def priced(*prices: Price, **variant: str) -> PriceSchedule:
    return PriceSchedule(prices, variant=variant)


def differing(a: list[Resource], b: list[Resource], **options) -> dict[str, tuple[str, str]]:
    found = compare({"a": a, "b": b}, NOW, **options)
    return {each.fact: (each.values["a"], each.values["b"]) for each in found.differences}


def test_sources_that_agree_have_no_differences():
    facts = {"tasks": ("chat",), "limits": None, "capabilities": {"tools": Capability(supported=True)}}
    found = compare({"a": source(**facts), "b": source(**facts)}, NOW)
    assert (found.differences, found.shared, found.compared) == ((), 1, 2)


def test_every_kind_of_fact_is_compared():
    a = source(
        tasks=("text-generation",),
        input_modalities=(Modality.TEXT,),
        lifecycle=Lifecycle(LifecycleStage.ACTIVE),
        capabilities={"tools": Capability(supported=True)},
    )
    b = source(
        tasks=("text-to-image",),
        input_modalities=(Modality.TEXT, Modality.IMAGE),
        lifecycle=Lifecycle(LifecycleStage.DEPRECATED),
        capabilities={"tools": Capability(supported=False)},
    )
    assert differing(a, b) == {
        "tasks": ("text-generation", "text-to-image"),
        "input_modalities": ("text", "text, image"),
        "lifecycle.stage": ("active", "deprecated"),
        "capabilities.tools": ("yes", "no"),
    }


def test_prices_are_compared_one_by_one_with_their_tiers_and_for_each_kind_of_call():
    standard = priced(Price(INPUT, 10**9), Price(OUTPUT, 2 * 10**9))
    a = PriceList((standard, priced(Price(INPUT, 5), processing="batch")))
    b = PriceList(
        (
            priced(Price(INPUT, 10**9, (PriceTier(200_000, 2 * 10**9),)), Price(OUTPUT, 2 * 10**9)),
            priced(Price(INPUT, 6), processing="batch"),
        )
    )
    assert differing(source(prices=a), source(prices=b)) == {
        "price.input_tokens": ("1", "1 above 200000: 2"),
        "price[processing=batch].input_tokens": ("0.000000005", "0.000000006"),
    }


def test_what_only_one_of_them_states_is_no_difference():
    a = source(prices=PriceList((priced(Price(INPUT, 1)),)), family="f")
    b = source(prices=PriceList((priced(Price(OUTPUT, 1)),)), tasks=("chat",))
    found = compare({"a": a, "b": b}, NOW)
    assert (found.differences, found.compared) == ((), 0)


def test_the_order_of_what_is_listed_is_no_difference():
    both = (Modality.TEXT, Modality.IMAGE)
    assert differing(source(input_modalities=both), source(input_modalities=both[::-1])) == {}


def test_what_was_concluded_is_compared_only_when_asked_for():
    a = source(tasks=("chat",), fact_sources=(FactSource(("tasks",), inferred=True),))
    b = source(tasks=("speech",))
    assert differing(a, b) == {}
    assert differing(a, b, inferred=True) == {"tasks": ("chat", "speech")}


def test_another_provider_id_or_region_is_another_model():
    a = source(family="f")
    for other in ({"provider": "q"}, {"upstream": "m"}, {"region": "eu"}):
        assert compare({"a": a, "b": source(family="g", **other)}, NOW).shared == 0


def test_a_limit_of_an_endpoint_goes_before_that_of_its_model():
    a = source(limits=ModelLimits(max_output_tokens=5))
    name = a[0].name
    a[0] = Resource(name=name, model=Model(limits=ModelLimits(max_output_tokens=9)))
    b = source(limits=ModelLimits(max_output_tokens=9))
    assert differing(a, b) == {"limits.max_output_tokens": ("5", "9")}


def test_three_sources_are_compared_at_once_and_counted_by_fact():
    catalogs = {name: source(family=name, version="1") for name in "abc"} | {"d": source(upstream="other")}
    found = compare(catalogs, NOW)
    (difference,) = found.differences
    assert difference.place == Place("p", "M")
    assert difference.values == {"a": "a", "b": "b", "c": "c"}
    assert found.count_by_fact() == {"family": 1}
    assert found.models == {"a": 1, "b": 1, "c": 1, "d": 1}
