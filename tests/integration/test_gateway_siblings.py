"""The workers of a gateway among themselves: who is asked about an answer, and what is said when somebody is away."""

import logging
import os
import socket
import stat
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from airegistry.errors import InvalidArgumentError, NotFoundError, UnavailableError
from airegistry.learning.feedback import ReportFeedbackRequest
from gateway.siblings import Siblings, open_siblings
from tests.planes import gateway_knowing

UNKNOWN = ReportFeedbackRequest("somebody-elses", score=1.0)


@pytest.fixture(autouse=True)
def folder(monkeypatch):
    """Where the workers meet that share the address `a:1`; pytest's own folders have paths too long for a socket."""
    with tempfile.TemporaryDirectory() as short:
        monkeypatch.setattr("tempfile.tempdir", short)
        yield Path(short) / f"airegistry-workers-{os.getuid()}-a-1"


@asynccontextmanager
async def worker(tmp_path):
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(gateway_knowing(tmp_path / "data", [], gateway_learning=True))
        yield await stack.enter_async_context(open_siblings(gateway.engine, "a:1"))


async def test_the_folder_is_for_this_user_alone_and_goes_with_the_last(tmp_path, folder):
    async with worker(tmp_path) as siblings:
        assert isinstance(siblings, Siblings)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert len(list(folder.iterdir())) == 1
    assert not folder.exists()


async def test_what_a_killed_one_left_holds_nobody_up(tmp_path, folder):
    folder.mkdir(mode=0o700)
    # The highest ids of processes are never given.
    (folder / "4194304.sock").touch()
    async with worker(tmp_path) as siblings:
        assert not (folder / "4194304.sock").exists()
        # This one is killed later.
        (folder / "4194305.sock").touch()
        with pytest.raises(NotFoundError):
            await siblings.report(UNKNOWN)


async def test_one_that_does_not_answer_may_be_the_one_that_knows(tmp_path, folder, monkeypatch):
    monkeypatch.setattr("gateway.siblings._WAIT", 0.3)
    async with worker(tmp_path) as siblings:
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(folder / "1.sock"))
            silent.listen()
            with pytest.raises(UnavailableError, match="may be the one that knows"):
                await siblings.report(UNKNOWN)
        (folder / "1.sock").unlink()
        with pytest.raises(NotFoundError):
            await siblings.report(UNKNOWN)


async def test_bad_feedback_is_refused_without_asking_anybody(tmp_path):
    async with worker(tmp_path) as siblings:
        with pytest.raises(InvalidArgumentError):
            await siblings.report(ReportFeedbackRequest("x", score=2.0))


@pytest.mark.parametrize("how", ["open", "a-file"])
async def test_a_folder_that_others_can_use_is_not_used(tmp_path, folder, caplog, how):
    caplog.set_level(logging.WARNING)
    if how == "open":
        folder.mkdir()
        folder.chmod(0o755)
    else:
        folder.touch()
    async with worker(tmp_path) as siblings:
        assert siblings is None
    assert "feedback reaches only the worker that answered" in caplog.text
