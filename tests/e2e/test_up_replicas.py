"""`airegistry up --store postgres` for real: three replicas on a database, and what becomes of them."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from launcher.database import folder_for_root
from tests.e2e.plane import ports_of_replicas
from tests.e2e.ups import gone, up, wait_until_gone
from tests.environments import environment


@pytest.fixture
def data():
    """A folder that the database's user may pass through; pytest's own is closed to everybody else."""
    with tempfile.TemporaryDirectory(prefix="airegistry-up-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_for_root_the_data_are_where_everybody_may_pass(data):
    assert folder_for_root(data / "up" / "postgres") == data / "up" / "postgres"
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    elsewhere = {folder_for_root(closed / name / "postgres") for name in "ab"}
    assert len(elsewhere) == 2
    assert {folder.parent for folder in elsewhere} == {Path("/var/lib/airegistry")}


def shell(command):
    """Run what the tour recommends."""
    written = command.replace("python -m", f"{sys.executable} -m")
    result = subprocess.run(
        ["/bin/sh", "-c", written], env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, f"{command}: {result.stderr}"
    return result.stdout


def answers(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as page:
        return json.load(page)["status"]


def test_three_replicas_do_what_the_tour_says_and_all_of_it_is_gone_after_ctrl_c(data):
    ports = ports_of_replicas()
    with up(data, "--store", "postgres", "--no-catalog", ports=ports) as running:
        running.wait_until_ready()
        replicas = re.findall(r"^  registry +gRPC (\S+) .*   process (\d+)$", running.said, re.MULTILINE)
        assert [address for address, _ in replicas] == [
            f"127.0.0.1:{ports['registry'] + apart}" for apart in (0, 10, 20)
        ]
        assert [answers(ports["registry-http"] + apart) for apart in (0, 10, 20)] == ["SERVING"] * 3
        everywhere = ",".join(address for address, _ in replicas)
        assert f"registry at {everywhere}" in (data / "logs" / "gateway.log").read_text()
        commands = re.findall(r"^     (\S.*)$", running.said, re.MULTILINE)
        through_all, kill_one = (command for command in commands if command.startswith(("echo", "kill")))
        assert "models/written-through-one" in shell(through_all)

        victim = psutil.Process(int(replicas[0][1]))
        assert "serving" in shell(kill_one)
        assert gone([victim])
        assert running.run("invoke", "demo-ngram", "What is a list?", "--max-tokens", "8").strip()
        deadline = time.monotonic() + 60
        while not answering(ports["registry-http"]):
            assert time.monotonic() < deadline
            time.sleep(0.1)

        children = running.children()
        code, said = running.end()
        assert code == 0, said
        assert "the registry 1 ended (killed by SIGKILL); the others go on" in said
        assert "Traceback" not in said
        assert gone(children)


def answering(port):
    try:
        return answers(port) == "SERVING"
    except OSError:
        return False


def test_a_killed_launcher_leaves_no_database_behind_and_the_next_finds_everything(data):
    ports = ports_of_replicas()
    options = ("--store", "postgres", "--no-catalog", "--no-demo")
    with up(data, *options, ports=ports) as running:
        running.wait_until_ready()
        running.run("register", "-f", manifest(data))
        children = running.children()
        assert any("postgres" in child.name() for child in children)
        running.process.kill()
        wait_until_gone(children)
    with up(data, *options, ports=ports) as running:
        running.wait_until_ready()
        assert json.loads(running.run("get", "models/kept", "-o", "json"))["name"] == "models/kept"
        assert running.end(signal.SIGTERM)[0] == 0


def manifest(folder):
    file = folder / "kept.yaml"
    file.write_text("{name: models/kept, model: {}}")
    return str(file)


def test_a_gateway_that_dies_ends_the_replicas_too(data):
    with up(data, "--store", "postgres", "--no-catalog", "--no-demo", ports=ports_of_replicas()) as running:
        running.wait_until_ready()
        children = running.children()
        (gateway,) = [child for child in children if "gateway" in child.cmdline()[-1]]
        gateway.kill()
        code, said = running.ended()
        assert code == 1
        assert "the gateway ended by itself (killed by SIGKILL)" in said
        # What the dead one had started sees that by itself.
        wait_until_gone(children)
