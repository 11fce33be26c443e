"""What is compared: models and endpoints by the names that people give them, with what the registry knows of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from airegistry.client.messages import DiscoverRequest
from airegistry.client.registry import RegistryClient
from airegistry.discovery.answers import Candidate, Score
from airegistry.discovery.naming import NameTable, parent_of
from airegistry.errors import AmbiguousModelError, InvalidArgumentError, ModelNotFoundError, NotFoundError
from airegistry.resources.model import LifecycleStage
from airegistry.resources.requirements import (
    CredentialRequirement,
    DiscoverQuery,
    HealthRequirement,
    Preference,
    Requirements,
    TokenMix,
)
from airegistry.resources.resource import Resource, ResourceKind

_MOST = 100
_NEAREST = 5
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Subject:
    """One of those that are compared. A model is seen through its best endpoint; without any, only its own facts are known.

    `score` and `invocable` are None where Discover does not rank it, as an endpoint that takes no traffic.
    """

    asked: str
    model: Resource
    endpoint: Resource | None = None
    score: Score | None = None
    cost_nanos: int | None = None
    invocable: bool | None = None
    other_endpoints: int = 0


@dataclass(frozen=True, slots=True)
class Subjects:
    """Those that are compared, as they were at one revision."""

    each: tuple[Subject, ...]
    preference: Preference
    usage: TokenMix | None
    revision: int


async def find_subjects(
    client: RegistryClient, names: Sequence[str], preference: Preference, usage: TokenMix | None
) -> Subjects:
    """Return what the names mean. Raises ModelNotFoundError naming all that mean nothing, and what is called nearly so."""
    answer = await client.batch_discover(_request(name, preference, usage) for name in names)
    found = [
        _best(name, response.candidates)
        or await _of_provider(client, name, _request(name, preference, usage))
        or await _unranked(client, name)
        for name, response in zip(names, answer.responses, strict=True)
    ]
    missing = [name for name, subject in zip(names, found, strict=True) if subject is None]
    if missing:
        raise ModelNotFoundError("; ".join([await _nearly(client, name) for name in missing]))
    return Subjects(tuple(subject for subject in found if subject), preference, usage, answer.revision)


def _request(name: str, preference: Preference, usage: TokenMix | None) -> DiscoverRequest:
    """Ask for everybody who serves a model, whatever their state: what is wrong with them is compared, too."""
    requirements = Requirements(
        models=(parent_of(name) or name,),
        lifecycle_stages=tuple(LifecycleStage),
        health=HealthRequirement.ANY,
        credential=CredentialRequirement.ANY,
        usage=usage,
    )
    return DiscoverRequest(DiscoverQuery(requirements=requirements, preference=preference), limit=_MOST)


def _best(name: str, candidates: Iterable[Candidate]) -> Subject | None:
    """Return the candidate of that name, or the best one of the model that the name means."""
    ranked = [each for each in candidates if each.resource is not None and each.model is not None]
    if parent_of(name):
        ranked = [each for each in ranked if each.name == name]
    elif ranked:
        model = _meant(name, ranked)
        ranked = [each for each in ranked if each.model is not None and each.model.name == model]
    # Who can be invoked is who a call would reach.
    best = next((each for each in ranked if each.invocable), ranked[0] if ranked else Candidate())
    if best.model is None:
        return None
    return Subject(name, best.model, best.resource, best.score, best.cost_nanos, best.invocable, len(ranked) - 1)


def _meant(name: str, candidates: Iterable[Candidate]) -> str:
    """Return which model a name means, by the steps of every other call. Raises AmbiguousModelError."""
    known = NameTable()
    resources = (resource for each in candidates for resource in (each.model, each.resource))
    known.apply((resource for resource in resources if resource is not None), ())
    names = known.resolve(name) or known.models_known_as(name) or known.models_known_as(name.partition("/")[2])
    if len(names) > 1:
        raise AmbiguousModelError(
            f"{name} is {', '.join(names)}: write one of them", metadata={"matches": ",".join(names)}
        )
    return names[0]


async def _of_provider(client: RegistryClient, name: str, request: DiscoverRequest) -> Subject | None:
    """Return what `provider/original-id` means, where the provider is one who serves the model, and not its publisher."""
    provider, _, original = name.partition("/")
    if not (provider and original) or request.query is None or request.query.requirements is None:
        return None
    requirements = replace(request.query.requirements, models=(original,), providers=(provider,))
    answer = await client.discover(replace(request.query, requirements=requirements), limit=_MOST)
    return _best(name, answer.candidates)


async def _unranked(client: RegistryClient, name: str) -> Subject | None:
    """Return a model or an endpoint that Discover ranks nowhere: nobody serves it, or its weight is 0."""
    try:
        resource = await client.get(name if "/" in name else f"models/{name}")
        if resource.kind is ResourceKind.ENDPOINT:
            return Subject(name, await client.get(parent_of(name)), resource)
    except (NotFoundError, InvalidArgumentError):
        # An original id may have a slash, and be no resource name.
        return None
    if resource.kind is not ResourceKind.MODEL:
        return None
    endpoints = [endpoint async for endpoint in client.list(f"{resource.name}/endpoints")]
    return Subject(name, resource, next(iter(endpoints), None), other_endpoints=max(0, len(endpoints) - 1))


async def _nearly(client: RegistryClient, name: str) -> str:
    """Say that nothing has a name, and what has nearly that."""
    if model := parent_of(name):
        others = [endpoint.name async for endpoint in client.list(f"{model}/endpoints")][:_NEAREST]
        if others:
            return f"no endpoint is called {name}; {model} has {', '.join(others)}"
    known = await _names(client)
    near = get_close_matches((model or name).removeprefix("models/").lower(), known, n=_NEAREST)
    return f"no model is called {name}" + (f"; did you mean {', '.join(known[each] for each in near)}?" if near else "")


async def _names(client: RegistryClient) -> dict[str, str]:
    """Return what models are called, by the same in lower case."""
    known: dict[str, str] = {}
    async for resource in client.list("models", page_size=_PAGE):
        if resource.model is not None:
            id_ = resource.name.removeprefix("models/")
            for word in (id_, *resource.model.aliases, *resource.model.original_ids):
                known.setdefault(word.lower(), word)
    return known
