"""The routes on the pages about routing are ones that a registry takes, and say what the pages say."""

import re
from pathlib import Path

from airegistry.manifests import read_manifests
from airegistry.resources.route import ErrorClass, PickStrategy, Selection
from airegistry.resources.validation import validate

DOCS = Path(__file__).parents[2] / "docs"


def route_on(page):
    (written,) = re.findall(r"^```yaml\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    (resource,) = read_manifests(written)
    assert validate(resource, path="resource") == []
    assert resource.route is not None
    assert resource.route.policy is not None
    return resource.route


def test_the_route_that_is_written_down_is_one():
    route = route_on("routing.md")
    assert route.policy is not None
    assert route.split is not None
    assert [target.weight for target in route.tiers[0].targets] == [3, None]
    assert (route.policy.pick, route.policy.hedge_delay) == (PickStrategy.POWER_OF_TWO, 1.5)
    assert route.fallbacks[0].error_classes == (ErrorClass.CONTEXT_LENGTH,)
    assert route.split.arms[0].share_ppm == 1_000_000 // 20


def test_the_route_that_learns_says_so():
    policy = route_on("learned-selection.md").policy
    assert policy is not None
    assert policy.selection is Selection.LEARNED
