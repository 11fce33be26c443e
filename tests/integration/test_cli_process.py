"""The command as a process: how quick it is, what a signal does, and what goes to which stream."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from tests.command_line import servers

MODEL = json.dumps({"name": "models/m", "model": {"family": "f"}})
COMMAND = [sys.executable, "-m", "airegistry.cli"]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with servers(tmp_path_factory.mktemp("data")) as running:
        yield running


def environment(running):
    changed = running.environment()
    return {name: value for name, value in (os.environ | changed).items() if value is not None}


@contextmanager
def started(running, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command that goes on until it is told to stop."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(running),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line(stream: IO[str] | None) -> str:
    """Wait for the next line, and return it."""
    assert stream is not None
    return stream.readline()


def interrupted(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGINT)
    return process.wait(timeout=60)


def test_help_is_quick():
    """Counted in seconds of work, and the best of a few: others use the machine, too."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*COMMAND, "--help"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(times) < 0.9


def test_help_imports_neither_grpc_nor_numpy():
    code = (
        "import sys\nfrom airegistry.cli.app import build\n"
        "try: build()(args=['discover', '--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'grpc', 'numpy', 'google.protobuf', 'aiohttp', 'yaml'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command",
    ["register", "get", "list", "discover", "watch", "invoke", "deregister", "import", "auto-register", "status", "up"],
)
def test_every_command_has_help(running, command):
    result = running.run(command, "--help")
    assert result.exit_code == 0
    assert f"airegistry {command}" in result.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_the_commands(shell):
    # What the scripts of `--install-completion` set.
    asked = {
        "_AIREGISTRY_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "airegistry disc",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": "airegistry disc",
        "COMP_CWORD": "1",
    }
    result = subprocess.run(COMMAND, env=os.environ | asked, capture_output=True, text=True, check=False)
    assert "discover" in result.stdout


def test_watch_writes_one_json_object_a_line_and_ends_with_ctrl_c(running):
    with started(running, "watch", "-o", "json", "--prefix", "models/m", "--bookmarks") as process:
        assert json.loads(line(process.stdout))["type"] == "bookmark"
        running.run("register", "-f", "-", given=MODEL)
        added = json.loads(line(process.stdout))
        assert (added["type"], added["resource"]["name"]) == ("added", "models/m")
        token = json.loads(line(process.stdout))["resume_token"]
        assert interrupted(process) == 130
    running.run("deregister", "models/m")
    with started(running, "watch", "-o", "json", "--prefix", "models/m", "--resume-token", token) as process:
        removed = json.loads(line(process.stdout))
        assert (removed["type"], removed["resource"]["name"]) == ("removed", "models/m")


def test_watch_is_readable_for_people(running):
    with started(running, "watch", "--kind", "model", "--filter", 'resource.name == "models/m"') as process:
        assert "watching" in line(process.stderr)
        running.run("register", "-f", "-", given=MODEL.replace("models/m", "models/m2"))
        running.run("register", "-f", "-", given=MODEL)
        assert line(process.stdout).startswith("+ models/m  revision ")
        running.run("deregister", "models/m")
        assert line(process.stdout).startswith("- models/m  revision ")


def test_watch_of_a_registry_that_was_never_there_ends_at_once(running):
    result = running.run("watch", "--registry", "127.0.0.1:1")
    assert result.exit_code == 3
    assert "no registry answers" in result.stderr


def test_what_is_kept_is_renewed_and_goes_with_ctrl_c(running, tmp_path):
    file = tmp_path / "m.json"
    file.write_text(MODEL)
    with started(running, "register", "-f", str(file), "--keep", "--lease-ttl", "2s") as process:
        assert "Ctrl-C deregisters" in line(process.stderr)
        # Longer than the lease: without a renewal it would be suspect by then, and stay so.
        time.sleep(3)
        until = time.monotonic() + 30
        while (held := running.data("get", "models/m")["status"])["liveness"] != "live":
            assert time.monotonic() < until
        assert held["lease_ttl"] == 2
        assert interrupted(process) == 130
    assert running.run("get", "models/m").exit_code == 1


def test_an_error_goes_to_standard_error_and_is_no_traceback(running):
    result = subprocess.run(
        [*COMMAND, "get", "models/none"], env=environment(running), capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "NOT_FOUND: models/none does not exist\n"


def test_a_reader_that_stops_reading_gets_no_traceback(running):
    models = [{"name": f"models/p{i}", "model": {"description": "x" * 200}} for i in range(900)]
    running.run("register", "-f", "-", given=json.dumps(models))
    shell = f"{sys.executable} -m airegistry.cli list --limit 0 -o json | head -1"
    result = subprocess.run(
        ["/bin/sh", "-c", shell], env=environment(running), capture_output=True, text=True, check=False
    )
    assert result.stdout == "[\n"
    assert result.stderr == ""
