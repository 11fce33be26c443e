"""Which endpoints a key opens, and what their models answer to then."""

from airegistry.importers.keys import KEYS, open_with
from airegistry.importers.providers import PROVIDERS
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route

OPENAI = PROVIDERS["openai"].address


def served(model: str, *providers: str, original: str = "", **facts) -> list[Resource]:
    """Return a model and an endpoint of each provider, as an import makes them."""
    resources = [Resource(name=f"models/{model}", model=Model(original_ids=(original,) if original else ()))]
    for provider in providers:
        spec = {"address": PROVIDERS[provider].address} | facts
        resources.append(
            Resource(name=f"models/{model}/endpoints/{provider}", endpoint=Endpoint(provider=provider, **spec))
        )
    return resources


def opened(keys, *groups):
    resources = {resource.name: resource for group in groups for resource in group}
    found = open_with(keys, resources)
    credentials = {r.name: r.endpoint.credential for r in found.resources if r.endpoint}
    aliases = {r.name: r.model.aliases for r in found.resources if r.model}
    return credentials, aliases, found.count


def test_every_key_belongs_to_a_provider():
    assert set(KEYS) <= {access.credential for access in PROVIDERS.values()}


def test_a_key_opens_the_endpoints_of_its_provider_only():
    credentials, _, count = opened(["OPENAI_API_KEY"], served("a", "openai"), served("b", "anthropic", "groq"))
    assert credentials == {"models/a/endpoints/openai": "OPENAI_API_KEY"}
    assert count == {"OPENAI_API_KEY": 1}


def test_one_token_opens_every_provider_behind_hugging_face():
    credentials, _, _ = opened(["HUGGINGFACE_API_TOKEN"], served("a", "huggingface_groq", "huggingface_together"))
    assert len(credentials) == 2


def test_a_model_gets_the_slug_of_its_original_id():
    _, aliases, _ = opened(["OPENAI_API_KEY"], served("openai.gpt-4o", "openai", original="GPT-4o"))
    assert aliases == {"models/openai.gpt-4o": ("gpt-4o",)}


def test_no_alias_where_another_model_route_or_alias_has_that_name():
    taken = [Resource(name="models/gpt-4o", model=Model())]
    route = [Resource(name="routes/gpt-4o", route=Route())]
    alias = [Resource(name="models/other", model=Model(aliases=("gpt-4o",)))]
    for rival in (taken, route, alias):
        _, aliases, _ = opened(["OPENAI_API_KEY"], served("openai.gpt-4o", "openai", original="gpt-4o"), rival)
        assert aliases == {}


def test_no_alias_where_two_models_would_want_it():
    rivals = [served(f"{p}.m", p, original="m") for p in ("huggingface_groq", "huggingface_together")]
    _, aliases, _ = opened(["HUGGINGFACE_API_TOKEN"], *rivals)
    assert aliases == {}


def test_another_credential_stays():
    credentials, _, count = opened(["OPENAI_API_KEY"], served("a", "openai", credential="TEAM_KEY"))
    assert credentials == {}
    assert count == {"OPENAI_API_KEY": 0}


def test_an_endpoint_that_was_moved_elsewhere_does_not_get_the_providers_key():
    credentials, _, _ = opened(["OPENAI_API_KEY"], served("a", "openai", address="https://elsewhere.example/v1"))
    assert credentials == {}


def test_a_second_time_changes_nothing_and_counts_the_same():
    resources = {r.name: r for r in served("openai.gpt-4o", "openai", original="gpt-4o")}
    first = open_with(["OPENAI_API_KEY"], resources)
    again = open_with(["OPENAI_API_KEY"], resources | {r.name: r for r in first.resources})
    assert again.resources == ()
    assert again.count == first.count == {"OPENAI_API_KEY": 1}


def test_without_an_endpoint_there_is_no_alias():
    _, aliases, _ = opened(["OPENAI_API_KEY"], served("a", original="A"))
    assert aliases == {}
