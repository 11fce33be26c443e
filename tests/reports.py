"""Attempts that are reported to a registry, and what it counted of them."""

from airegistry.client.analytics import AnalyticsClient
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.observations.observation import Observation
from registry.app import Registry

LONG = 20.0
NAME = "models/a/endpoints/x"
OK = AttemptOutcome.OK
REPORTER = "reporter-one"


class Measuring(AnalyticsClient):
    """A client that knows the registry that it is connected to."""

    registry: Registry


def attempt(name=NAME, **fields):
    return Observation(name, outcome=OK, **fields)


async def report(client, *observations, number=1, **options):
    return await client.report_usage(observations, reporter_id=REPORTER, batch_number=number, **options)


async def attempts(client, name=NAME):
    (one,) = (await client.get_performance([name])).performances
    return {window.window: window.attempts for window in one.windows}
