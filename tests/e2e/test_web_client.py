"""The tests of clients/web that need no server, which Node runs."""

import asyncio
import shutil

import pytest

from tests.e2e.clients.programs import ROOT

TESTS = ROOT / "clients/web/dist/follower.test.js"


@pytest.mark.skipif(
    shutil.which("node") is None or not TESTS.exists(), reason="the clients for Node are not built: make web"
)
async def test_what_a_follower_promises_holds():
    process = await asyncio.create_subprocess_exec(
        *("node", "--test", "--test-reporter=tap", str(TESTS)), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert "# pass 8" in said.decode()
