"""The folders of Envoys that were killed."""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from airegistry._rpc.envoy.folders import hold, make, sweep

_KEEPER = """
import os, sys
from airegistry._rpc.envoy.folders import make
become = "import sys; print(sys.argv[1], flush=True); input()"
os.execv(sys.executable, [sys.executable, "-c", become, str(make("some"))])
"""
_ENVOY = """
import sys
from pathlib import Path
from airegistry._rpc.envoy.folders import hold
hold(Path(sys.argv[1]))
print("held", flush=True)
input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def start(temporary):
    """Return what starts a program that holds a folder, and waits until it has it."""
    with ExitStack() as stack:

        def start(*command):
            process = subprocess.Popen(
                [sys.executable, "-c", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "TMPDIR": str(temporary)},
                text=True,
            )
            stack.enter_context(process)
            stack.callback(kill, process)
            assert process.stdout is not None
            return process, process.stdout.readline().strip()

        yield start


def kill(process):
    process.kill()
    process.wait()


def test_a_folder_stays_until_its_keeper_and_its_envoys_are_gone(start, temporary):
    keeper, folder = start(_KEEPER)
    sweep("some")
    assert (Path(folder) / "held").exists()
    envoy, _ = start(_ENVOY, folder)
    kill(keeper)
    sweep("some")
    assert (Path(folder) / "held").exists()
    kill(envoy)
    sweep("other")
    assert (Path(folder) / "held").exists()
    sweep("some")
    assert not list(temporary.iterdir())


def test_what_nobody_made_as_such_a_folder_is_left_alone(temporary):
    (temporary / "airegistry-some-mine").mkdir()
    (temporary / "airegistry-some-linked").mkdir()
    target = temporary / "target"
    target.touch()
    (temporary / "airegistry-some-linked" / "held").symlink_to(target)
    hold(temporary / "airegistry-some-mine")
    make("some")
    sweep("some")
    assert len(list(temporary.iterdir())) == 4
