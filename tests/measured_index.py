"""An index of what was measured, with a clock that the test moves."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airegistry.discovery.answers import ScorePartKind
from airegistry.discovery.index import Index
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, DeclaredPerformance, Endpoint
from airegistry.resources.requirements import DiscoverQuery, Requirements
from airegistry.resources.resource import Resource
from airegistry.resources.route import ErrorClass

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
A, B = "models/m/endpoints/a", "models/m/endpoints/b"
OPEN = Auth(method=AuthMethod.NONE)
GOOD = DeclaredPerformance(time_to_first_token=0.3, tokens_per_second=80, reliability=0.999)
FAILED = ErrorClass.PROVIDER


def endpoint(name=A, **facts):
    usual: dict[str, Any] = {
        "address": "https://e.example",
        "communication": Communication(dialect="openai.chat", auth=OPEN),
    }
    return Resource(name=name, endpoint=Endpoint(**(usual | facts)))


class Clock:
    """An index with a clock that the test moves."""

    def __init__(self, *resources):
        self.time = NOW
        self.index = Index(lambda: self.time)
        self.index.replace(resources, 1)

    def observe(self, *performances):
        self.index.observe(performances, self.index.observation_epoch + 1)

    def pass_by(self, **length):
        self.time += timedelta(**length)

    def order(self, query=None):
        return [each.name[-1] for each in self.index.discover(query or DiscoverQuery()).candidates]

    def part(self, kind, name=A, query=None):
        (found,) = [
            each for each in self.index.discover(query or DiscoverQuery()).candidates if each.name.endswith(name)
        ]
        return next(part for part in found.score.parts if part.kind is kind)

    def earned(self, name):
        (found,) = [each for each in self.index.discover(DiscoverQuery()).candidates if each.name == name]
        return sum(part.contribution for part in found.score.parts if part.kind is not ScorePartKind.EXPLORATION)

    def value(self, kind, name=A):
        return self.part(kind, name).value


def asking(**requirements):
    return DiscoverQuery(requirements=Requirements(**requirements))
