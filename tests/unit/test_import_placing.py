"""Under which names a catalog's models go into a registry that has models already."""

from airegistry.importers.placing import place
from airegistry.importers.report import Catalog
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Lifecycle, Model
from airegistry.resources.resource import Resource


def served(id_: str, provider: str, upstream: str, region: str = "", **facts) -> list[Resource]:
    """Return a model and its endpoint, as an importer makes them."""
    name = f"models/{id_}"
    endpoint = Endpoint(provider=provider, upstream_model=upstream, region=region)
    suffix = f".{region}" if region else ""
    return [
        Resource(name=name, model=Model(publisher=provider, original_ids=(upstream,), **facts)),
        Resource(name=f"{name}/endpoints/{provider}{suffix}", endpoint=endpoint),
    ]


def placed(stated: list[Resource], *existing: Resource) -> tuple[list[str], list[str]]:
    """Return the names that resources get, and what is noted about names."""
    catalog = place(Catalog("s", tuple(stated)), {resource.name: resource for resource in existing})
    return [resource.name for resource in catalog.resources], [note.detail for note in catalog.collisions]


def test_in_an_empty_registry_names_are_those_of_the_catalog():
    assert placed(served("m", "p", "M")) == (["models/m", "models/m/endpoints/p"], [])


def test_a_model_that_the_registry_knows_keeps_its_name():
    there = served("p.m", "p", "M")
    assert placed(served("m", "p", "M"), *there) == (["models/p.m", "models/p.m/endpoints/p"], [])


def test_an_endpoint_that_somebody_named_otherwise_keeps_its_name():
    there = Resource(name="models/mine/endpoints/main", endpoint=Endpoint(provider="p", upstream_model="M"))
    assert placed(served("m", "p", "M"), there)[0] == ["models/mine", "models/mine/endpoints/main"]


def test_another_region_of_a_known_model_is_one_more_endpoint_of_it():
    there = served("p.m", "p", "M")
    assert placed(served("m", "p", "M", "eu"), *there)[0] == ["models/p.m", "models/p.m/endpoints/p.eu"]


def test_the_name_of_another_model_is_not_taken():
    there = served("m", "other", "M")
    assert placed(served("m", "p", "M"), *there) == (["models/p.m", "models/p.m/endpoints/p"], ["got models/p.m"])


def test_not_even_with_the_provider_in_front_of_it():
    there = [*served("m", "other", "M"), *served("p.m", "third", "M")]
    (model, endpoint), notes = placed(served("m", "p", "M"), *there)
    assert model.startswith("models/p.m-")
    assert endpoint == f"{model}/endpoints/p"
    assert notes == [f"got {model}"]


def test_a_model_whose_endpoint_somebody_removed_is_still_the_same():
    model, _ = served("m", "p", "M")
    assert placed(served("m", "p", "M"), model)[0] == ["models/m", "models/m/endpoints/p"]


def test_a_successor_is_named_as_it_is_placed():
    stated = [*served("old", "p", "Old", lifecycle=Lifecycle(replacement="models/new")), *served("new", "p", "New")]
    catalog = place(Catalog("s", tuple(stated)), {r.name: r for r in served("p.new", "p", "New")})
    model = catalog.resources[0].model
    assert model is not None
    assert model.lifecycle == Lifecycle(replacement="models/p.new")
