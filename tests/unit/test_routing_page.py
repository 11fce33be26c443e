"""The route on the page about routing is one that a registry takes, and says what the page says."""

import re
from pathlib import Path

from airegistry.manifests import read_manifests
from airegistry.resources.route import ErrorClass, PickStrategy
from airegistry.resources.validation import validate

PAGE = Path(__file__).parents[2] / "docs" / "routing.md"


def test_the_route_that_is_written_down_is_one():
    (written,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (resource,) = read_manifests(written)
    assert validate(resource, path="resource") == []
    route = resource.route
    assert route is not None
    assert route.policy is not None
    assert route.split is not None
    assert [target.weight for target in route.tiers[0].targets] == [3, None]
    assert (route.policy.pick, route.policy.hedge_delay) == (PickStrategy.POWER_OF_TWO, 1.5)
    assert route.fallbacks[0].error_classes == (ErrorClass.CONTEXT_LENGTH,)
    assert route.split.arms[0].share_ppm == 1_000_000 // 20
