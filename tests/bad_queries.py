"""Queries that must be refused, with the fields that are to blame below the query and what is said of the first.

Registry, gateway and embedded index refuse them with the same words (`tests/contract/test_bad_queries.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.model import Capability, LifecycleStage, Model
from airegistry.resources.requirements import (
    DiscoverQuery,
    DiscoverTarget,
    Preference,
    Requirements,
    ScoreWeights,
    TokenMix,
)
from airegistry.resources.resource import Resource

MODEL = Resource(
    name="models/m",
    model=Model(tasks=("text-generation", "make-coffee"), capabilities={"barista_mode": Capability(supported=True)}),
)
SERVED = Endpoint(
    provider="acme",
    address="https://a.example",
    upstream_model="m",
    communication=Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE)),
    region="frankfurt-dc1",
)
ENDPOINT = Resource(name="models/m/endpoints/e", endpoint=SERVED)
REGISTERED = (MODEL, ENDPOINT)
"""What the suggestions for names are about."""


@dataclass(frozen=True)
class Bad:
    """A query, the fields to blame, below `query`, and what the first violation says."""

    query: DiscoverQuery
    fields: tuple[str, ...]
    says: str


def _limited(name: str, value: float, *, says: str = "") -> Bad:
    requirements: dict[str, Any] = {name: value}
    return _asking(name, says=says, **requirements)


def _asking(*fields: str, says: str, target: DiscoverTarget | None = None, **requirements: Any) -> Bad:
    query = DiscoverQuery(target, Requirements(**requirements))
    return Bad(query, tuple(f"requirements.{field}" for field in fields), says)


_LIMITS = {
    "min_tokens_per_second": (-1.0, math.nan, math.inf),
    "min_reliability": (-0.1, math.nan, 1.1),
}
_WHOLE = (
    "min_context_tokens",
    "min_output_tokens",
    "min_input_tokens",
    "max_cost_nanos",
    "max_price_per_million_nanos",
)
_DURATIONS = ("max_time_to_first_token", "max_duration", "max_retention")
AGENT = DiscoverTarget.AGENT

LIMITS: dict[str, Bad] = {
    **{f"{name}={value}": _limited(name, value) for name in _LIMITS for value in _LIMITS[name]},
    **{f"{name}=-1": _limited(name, -1, says="must be 0 or more") for name in (*_WHOLE, *_DURATIONS)},
    "negative-mix": _asking("usage.input_tokens", says="must be 0 or more", usage=TokenMix(-1, 5)),
    "empty-mix": _asking("usage", says="must have at least one token", usage=TokenMix()),
}
WEIGHTS: dict[str, Bad] = {
    "weights-sum-to-zero": Bad(DiscoverQuery(weights=ScoreWeights()), ("weights",), "must not all be 0"),
    "negative-weight": Bad(DiscoverQuery(weights=ScoreWeights(cost=-1, load=1)), ("weights.cost",), "must be"),
    "nan-weight": Bad(DiscoverQuery(weights=ScoreWeights(cost=math.nan)), ("weights.cost",), "must be a finite"),
    "two-meanings-of-best": Bad(
        DiscoverQuery(preference=Preference.CHEAPEST, weights=ScoreWeights(1)), ("weights",), "must be unset"
    ),
}
CONTRADICTIONS: dict[str, Bad] = {
    "every-provider-excluded": _asking(
        "excluded_providers",
        says="contradicts providers: every one of them is excluded",
        providers=("a", "b"),
        excluded_providers=("b", "a"),
    ),
    "more-output-than-context": _asking(
        "min_output_tokens",
        says="is 5 and contradicts min_context_tokens, 4",
        min_context_tokens=4,
        min_output_tokens=5,
    ),
    "more-input-than-context": _asking(
        "min_input_tokens",
        says="is 5 and contradicts min_context_tokens, 4",
        min_context_tokens=4,
        min_input_tokens=5,
    ),
    "no-time-for-output": _asking("max_duration", says="is 0 and contradicts usage", max_duration=0.0),
    "skills-of-endpoints": _asking("skills", says="contradicts target: only agents have skills", skills=("plan",)),
    "task-of-agents": _asking("task", says="contradicts target AGENT", target=AGENT, task="text-generation"),
    "dialects-of-agents": _asking("dialects", says="contradicts target AGENT", target=AGENT, dialects=("x",)),
    "context-of-agents": _asking(
        "min_context_tokens", says="contradicts target AGENT", target=AGENT, min_context_tokens=1
    ),
    "stages-of-agents": _asking(
        "lifecycle_stages",
        says="contradicts target AGENT: agents are always ACTIVE",
        target=AGENT,
        lifecycle_stages=(LifecycleStage.PREVIEW, LifecycleStage.DEPRECATED),
    ),
    "retired-and-invocable": _asking(
        "lifecycle_stages", says="contradicts credential", lifecycle_stages=(LifecycleStage.RETIRED,)
    ),
}
TYPOS: dict[str, Bad] = {
    "task": _asking("task", says="did you mean 'text-generation'?", task="text-genration"),
    "older-task": _asking("task", says="did you mean 'code-generation'?", task="code-genration"),
    "registered-task": _asking("task", says="did you mean 'make-coffee'?", task="make-cofee"),
    "capability": _asking("all_capabilities[1]", says="did you mean 'vision'?", all_capabilities=("tools", "visoin")),
    "capability-plural": _asking("any_capabilities[0]", says="did you mean 'tools'?", any_capabilities=("tool",)),
    "registered-capability": _asking(
        "all_capabilities[0]", says="did you mean 'barista_mode'?", all_capabilities=("barrista_mode",)
    ),
    "region": _asking("regions[1]", says="did you mean 'frankfurt-dc1'?", regions=("us-east", "frankfrut-dc1")),
}
FILTERS: dict[str, Bad] = {
    "syntax": _asking("filter", says="line 1, column 19: syntax error", filter="endpoint.region =="),
    "second-line": _asking(
        "filter", says="line 2, column 11: Endpoint has no field 'regoin'; did", filter="true &&\n  endpoint.regoin"
    ),
    "type": _asking(
        "filter", says="line 1, column 17: '==' does not take (int, string)", filter='endpoint.weight == "1"'
    ),
    "value": _asking("filter", says="must be true or false of a resource", filter="resource.name"),
    "pattern": _asking("filter", says="line 1, column 24: invalid", filter='endpoint.region.matches("[")'),
    "too-long": _asking("filter", says="has 2001 characters; at most 2000", filter="x" * 2_001),
}
BAD: dict[str, Bad] = {**LIMITS, **WEIGHTS, **CONTRADICTIONS, **TYPOS, **FILTERS}
