"""`airegistry store`: what operators see of a store, and how they give it a new id."""

import json
import re

import pytest

from airegistry.client import RegistryClient
from airegistry.errors import InvalidArgumentError
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from tests.planes import NOWHERE
from tests.postgres import connected
from tests.stores_at_rest import Place


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    return Place(tmp_path, request.getfixturevalue("database_url") if request.param == "postgres" else "")


@pytest.fixture
def postgres(tmp_path, database_url):
    return Place(tmp_path, database_url)


async def shown(place):
    done = await place.command("store", "show", "--output", "json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


async def filled(place, **settings):
    """Run a registry once, so that there is a store, and return the overview of it."""
    async with place.registry(**settings) as registry, RegistryClient(registry.address) as client:
        models = [Resource(name=f"models/{name}", model=Model()) for name in "abc"]
        await client.register(models, lease_ttl=30.0, owner_id="0" * 32)
        await client.register(
            [Resource(name="models/a", model=Model(family="f"))], owner_id="0" * 32, request_id="once"
        )
    return await shown(place)


async def with_new_id(place, *options):
    """Give the store a new id, once the database knows that those who are gone are."""
    await place.until_left()
    done = await place.command("store", "new-id", *options)
    assert done.exit_code == 0, done.stderr
    return done


async def test_show_tells_what_the_store_holds(place):
    seen = await filled(place)
    facts = ("revision", "compacted", "resources", "events", "leases", "replies")
    assert [seen[fact] for fact in facts] == [2, 0, 3, 4, 2, 1]
    assert seen["schema"].isdigit()


async def test_show_works_while_a_registry_runs(place):
    async with place.registry(registry_sweep_interval=0.01) as registry:
        async with RegistryClient(registry.address) as client:
            await client.register([Resource(name="models/a", model=Model())])
        seen = await shown(place)
        while place.url and not seen["sweeper"]:
            seen = await shown(place)
        assert seen["revision"] == 1
        assert seen["cluster_id"] == registry.catalog.cluster_id
        assert [one["id"] for one in seen["replicas"]] == ([seen["sweeper"]] if place.url else [])
        assert registry.catalog.cluster_id in (await place.command("store", "show")).stdout


async def test_a_new_id_is_another_one_and_nothing_else_changes(place):
    before = await filled(place)
    done = await with_new_id(place, "-o", "json")
    after = await shown(place)
    ids = json.loads(done.stdout)
    assert ids == {"old": before["cluster_id"], "new": after["cluster_id"]}
    assert ids["old"] != ids["new"]
    assert before | {"cluster_id": ids["new"]} == after
    async with place.registry() as registry:
        assert registry.catalog.cluster_id == ids["new"]
        assert registry.catalog.revision == 2


async def test_a_running_registry_keeps_its_id(place):
    async with place.registry() as registry:
        done = await place.command("store", "new-id")
        assert done.exit_code == 1
        assert ("from 127.0.0.1" if place.url else "in use by another registry") in done.stderr
        assert (await shown(place))["cluster_id"] == registry.catalog.cluster_id


async def test_a_replica_that_was_seen_lately_may_still_be_there(postgres):
    before = await filled(postgres)
    await postgres.execute("INSERT INTO replica SELECT 'unreachable', extract(epoch FROM clock_timestamp()) - 1")
    done = await postgres.command("store", "new-id")
    assert done.exit_code == 1
    assert re.search("replica unreachable, seen [1-9] s ago", done.stderr)
    await postgres.execute("UPDATE replica SET seen_at = seen_at - 10")
    await with_new_id(postgres)
    assert (await shown(postgres))["cluster_id"] != before["cluster_id"]


async def test_a_replica_that_is_stopped_is_still_connected(postgres):
    await filled(postgres)
    async with connected(postgres.url) as stopped:
        await stopped.execute("SET application_name = 'airegistry'")
        done = await postgres.command("store", "new-id")
    assert (done.exit_code, "sessions from 127.0.0.1" in done.stderr) == (1, True)
    await with_new_id(postgres)


async def test_a_registry_that_starts_is_waited_for(postgres):
    await filled(postgres)
    async with connected(postgres.url) as starting:
        await starting.execute("SELECT pg_advisory_lock(4733208017)")
        done = await postgres.command("store", "new-id")
    assert (done.exit_code, "is starting" in done.stderr) == (1, True)


async def test_a_store_of_a_newer_registry_is_left_alone(place):
    before = await filled(place)
    await place.execute("UPDATE alembic_version SET version_num = '9999'")
    done = await place.command("store", "new-id")
    assert (done.exit_code, "newer registry" in done.stderr) == (1, True)
    assert await shown(place) == before | {"schema": "9999"}


@pytest.mark.parametrize("command", ["show", "new-id"])
async def test_where_there_is_no_store_none_is_made(place, command):
    done = await place.command("store", command)
    assert (done.exit_code, "holds no registry" in done.stderr) == (1, True)
    assert list(place.folder.iterdir()) == []


@pytest.mark.parametrize("command", ["show", "new-id"])
async def test_a_file_that_is_no_database_is_said_in_one_line(tmp_path, command):
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry/registry.sqlite3").write_bytes(b"precious" * 1000)
    done = await Place(tmp_path).command("store", command)
    assert (done.exit_code, done.stderr.count("\n"), "not a database" in done.stderr) == (1, 1, True)


async def test_a_database_that_is_away_is_told_without_its_password(tmp_path):
    done = await Place(tmp_path, f"postgresql://u:geheim@{NOWHERE}/d").command("store", "show")
    assert (done.exit_code, "geheim" in done.output) == (3, False)


async def test_the_url_may_be_in_a_file(postgres, tmp_path):
    await filled(postgres)
    file = tmp_path / "url"
    file.write_text(postgres.url)
    done = await Place(tmp_path).command("store", "show", "--database-url-file", str(file), "-o", "json")
    assert json.loads(done.stdout) == await shown(postgres)


async def test_wrong_settings_are_wrong_usage(tmp_path):
    done = await Place(tmp_path, "mysql://nowhere").command("store", "show")
    assert (done.exit_code, "must begin with postgresql://" in done.stderr) == (2, True)


async def test_page_tokens_from_before_are_refused(place):
    async with place.registry() as registry, RegistryClient(registry.address) as client:
        await client.register([Resource(name=f"models/{name}", model=Model()) for name in "abc"])
        token = (await client.list_page("models", page_size=1)).next_page_token
    await with_new_id(place)
    async with place.registry() as registry, RegistryClient(registry.address) as client:
        with pytest.raises(InvalidArgumentError):
            await client.list_page("models", page_size=1, page_token=token)
