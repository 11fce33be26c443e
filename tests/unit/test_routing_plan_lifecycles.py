"""Models that are retired or deprecated in the plan of a call, and their replacements."""

from datetime import timedelta

import pytest

from airegistry import errors
from airegistry.invocations.invocation import Invocation
from airegistry.resources.model import Lifecycle, LifecycleStage
from airegistry.resources.route import RouteTarget, RouteTier
from airegistry.routing.lifecycles import deprecated
from airegistry.routing.plan import nobody
from tests import catalogs
from tests.plans import MODELS, NOW, URL, names, plan


def gone(id_="old", *, replacement="models/m", redirect=None, stage=LifecycleStage.RETIRED):
    lifecycle = Lifecycle(stage, replacement=replacement, redirect=redirect)
    return catalogs.model(id_, lifecycle=lifecycle), catalogs.endpoint("z", URL, model=id_)


def test_a_retired_model_is_refused_with_the_name_of_its_replacement():
    found = plan([*MODELS, *gone()], Invocation(model="old"))
    error = nobody(found, None)
    assert isinstance(error, errors.ModelNotFoundError)
    assert "use models/m instead" in str(error)
    assert error.metadata == {"model": "models/old", "replacement": "models/m"}


def test_a_retired_model_is_answered_by_its_replacement_where_it_says_so():
    found = plan([*MODELS, *gone(redirect=True)], Invocation(model="old"))
    assert names(found.tiers) == [[["a"]]]
    assert found.resolved == "models/m"
    assert [notice.message for notice in found.notices] == ["models/old is retired; models/m answers instead"]


def test_a_deprecated_model_redirects_nobody_yet():
    found = plan([*MODELS, *gone(redirect=True, stage=LifecycleStage.DEPRECATED)], Invocation(model="old"))
    assert names(found.tiers) == [[["z"]]]


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="to-nobody"),
        pytest.param(gone("m2", replacement="models/old", redirect=True), id="in-a-circle"),
    ],
)
def test_a_replacement_that_leads_nowhere_is_none(others):
    found = plan([*MODELS, *gone(replacement="models/m2", redirect=True), *others], Invocation(model="old"))
    assert found.tiers == ()
    assert isinstance(nobody(found, None), errors.ModelNotFoundError)


def test_a_route_whose_model_is_retired_goes_to_the_replacement():
    route = catalogs.route("r", tiers=(RouteTier((RouteTarget(model="models/old"),)),))
    found = plan([*MODELS, *gone(redirect=True), route], Invocation(model="r"))
    assert names(found.tiers) == [[["a"]]]


@pytest.mark.parametrize(
    ("lifecycle", "message"),
    [
        pytest.param(None, None, id="in-use"),
        pytest.param(
            Lifecycle(LifecycleStage.DEPRECATED, replacement="models/n"),
            "models/m is deprecated; use models/n instead",
            id="deprecated",
        ),
        pytest.param(
            Lifecycle(deprecate_time=NOW - timedelta(1), retire_time=NOW + timedelta(1)),
            "models/m is deprecated and will be retired on 2026-01-02",
            id="by-time",
        ),
    ],
)
def test_callers_of_a_deprecated_model_are_told(lifecycle, message):
    notice = deprecated(catalogs.model(lifecycle=lifecycle), NOW)
    assert (notice and notice.message) == message
