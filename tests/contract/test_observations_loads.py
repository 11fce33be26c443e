"""The loads that heartbeats tell, on every store: the newest one is shown, for as long as its lease."""

from registry.observations.heard import PAUSE
from registry.observations.observations import Observations
from registry.requests import Deregistration
from tests.contract.observed import NAME
from tests.measuring import Told
from tests.orders import ME, OTHER, batch, endpoint, leased


async def test_the_load_of_a_heartbeat_is_shown_without_a_revision_and_is_there_after_a_start(replica):
    await replica.catalog.register(leased(endpoint(), endpoint("y")))
    before = replica.catalog.revision
    await replica.heartbeat(load=0.9)
    await replica.until_load(0.9)
    assert replica.load("models/a/endpoints/y") is None
    assert replica.told.latest[NAME].load == 0.9
    assert replica.observations.measured_names("") == [NAME]
    again = Observations(replica.store, Told(), replica.catalog.entries, replica.catalog.feed)
    await again.load()
    assert again.performance(NAME) == replica.observations.performance(NAME)
    assert await replica.catalog.catch_up() == replica.catalog.revision == before


async def test_many_heartbeats_make_few_epochs_and_the_last_one_counts(replica):
    # As long as it is between two epochs of a registry: a heartbeat on a slow disk takes longer than a moment.
    replica.heard._pause = PAUSE
    await replica.catalog.register(leased(endpoint()))
    for number in range(50):
        await replica.heartbeat(load=number / 50)
    await replica.until_load(49 / 50)
    assert replica.observations.epoch < 50


async def test_a_heartbeat_without_load_takes_it_back_and_of_others_says_nothing(replica):
    await replica.catalog.register(leased(endpoint(), endpoint("y")))
    await replica.heartbeat(load=0.9)
    await replica.until_load(0.9)
    await replica.heartbeat()
    await replica.until_load(None)
    await replica.heartbeat("models/a/endpoints/y")
    await replica.heartbeat(load=0.2)
    await replica.until_load(0.2)
    assert replica.observations.measured_names("") == [NAME]


async def test_a_load_ends_with_its_lease(replica):
    await replica.catalog.register(leased(endpoint()))
    await replica.heartbeat(load=0.9)
    await replica.until_load(0.9)
    await replica.catalog.deregister(Deregistration(name=NAME, owner_id=ME))
    assert replica.observations.latest(NAME).load is None
    await replica.catalog.register(batch(endpoint()))
    assert replica.load() is None


async def test_who_may_not_renew_tells_no_load(replica):
    await replica.catalog.register(leased(endpoint()))
    await replica.heartbeat(load=0.9, owner_id=OTHER)
    await replica.heartbeat(load=0.5)
    await replica.until_load(0.5)
    assert replica.observations.epoch == 1
