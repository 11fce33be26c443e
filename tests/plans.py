"""The plan of a call over a few resources, and what it says of those that are left out."""

from datetime import UTC, datetime
from typing import Any

from airegistry.discovery.answers import ExclusionReason
from airegistry.invocations.invocation import Invocation
from airegistry.routing.plan import Planner
from airegistry.routing.policy import DEFAULTS, merge
from tests import catalogs

NOW = datetime(2026, 1, 1, tzinfo=UTC)
URL = "http://127.0.0.1:1"


class Standing:
    """Knows the chat dialect and one key; ejects whom it is told."""

    def __init__(self, ejected=()):
        self._ejected = ejected

    def dialects(self):
        return ("openai.chat", "a2a")

    def has_credential(self, name):
        return name == "GOOD_API_KEY"

    def has_key_pair(self, name):
        return name == "good-pair"

    def ejected(self, targets):
        names = [target.name for target in targets]
        return dict.fromkeys((name for name in names if name[-1] in self._ejected), ExclusionReason.BREAKER)


def plan(resources, invocation=None, *, ejected=(), defaults=None) -> Any:
    whole = merge(defaults, DEFAULTS)
    planner = Planner(catalogs.cache_of(resources), Standing(ejected), defaults=whole, at=NOW)
    return planner.plan(invocation or Invocation(model="m"))


def names(tiers):
    return [[[target.name.rpartition("/")[2] for target in group.targets] for group in tier] for tier in tiers]


def reasons(found):
    return {exclusion.reason: exclusion.names for exclusion in found.exclusions.as_tuple()}


MODELS = [
    *(catalogs.model(id_) for id_ in "mno"),
    catalogs.endpoint("a", URL),
    catalogs.endpoint("b", URL, model="n"),
    catalogs.endpoint("c", URL, model="o"),
]
