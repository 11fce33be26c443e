"""`airegistry up` for real: everything starts, works, and is gone after Ctrl-C."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from launcher.children import STOPPING
from tests.e2e.plane import PORTS, ports_by_option
from tests.e2e.ups import gone, up, wait_until_gone
from tests.environments import environment
from tests.planes import CARRIER

SERVERS = {"aio": 3, "envoy": 5}[CARRIER]
"""How many processes registry, gateway and demo backend are."""


def test_everything_starts_works_and_is_gone_after_ctrl_c(tmp_path):
    with up(tmp_path) as running:
        running.wait_until_ready()
        assert running.said.count("\n  ") > 5
        assert all(f"\n  {number}. " in running.said for number in range(1, 6))

        found = json.loads(running.run("discover", "--any-credential", "--task", "text-generation", "-o", "json"))
        assert len(found["candidates"]) == 10
        assert found["matched_count"] > 1_000
        demo = json.loads(running.run("get", "models/demo-ngram", "-o", "json"))
        assert demo["model"]["description"].startswith("A toy")
        assert running.run("invoke", "demo-ngram", "What is a list?", "--max-tokens", "8").strip()
        assert running.run("invoke", "demo-lsa", "lists", "--embed").startswith("256 dimensions")
        with urllib.request.urlopen(f"http://127.0.0.1:{running.ports['gateway-http']}/v1/models", timeout=5) as models:
            assert {model["id"] for model in json.load(models)["data"]} >= {"demo-ngram", "demo-lsa"}

        children = running.children()
        assert len(children) == SERVERS
        asked = time.monotonic()
        code, said = running.end()
        # Nobody had to be killed.
        assert (code, time.monotonic() - asked < STOPPING) == (0, True), said
        assert "Traceback" not in said
        assert gone(children)
    assert (tmp_path / "logs" / "registry.log").exists()


def test_what_is_recommended_works_as_it_is_written(tmp_path):
    """Each command is pasted into a shell; grpcurl only where there is one."""
    with up(tmp_path, "--no-catalog") as running:
        running.wait_until_ready()
        commands = re.findall(r"^     (\S.*)$", running.said, flags=re.MULTILINE)
        assert len(commands) == 6
        for command in commands:
            program = command.split()[0]
            if program in {"grpcurl", "curl"} and not _installed(program):
                continue
            written = command.replace("python -m", f"{sys.executable} -m")
            result = subprocess.run(
                ["/bin/sh", "-c", written], env=environment(), capture_output=True, text=True, timeout=60, check=False
            )
            assert result.returncode == 0, f"{command}: {result.stderr}"
        assert running.end()[0] == 0


def _installed(program: str) -> bool:
    return subprocess.run(["/bin/sh", "-c", f"command -v {program}"], capture_output=True, check=False).returncode == 0


def test_a_second_start_keeps_what_is_there_and_loads_nothing_again(tmp_path):
    ports = ports_by_option()
    with up(tmp_path, "--no-demo", ports=ports) as running:
        running.wait_until_ready()
        removed = "models/lfm-7b"
        running.run("deregister", removed)
        before = json.loads(running.run("status", "-o", "json"))["planes"][0]
        _, said = running.end(signal.SIGTERM)
        assert "created" in said
    with up(tmp_path, "--no-demo", ports=ports) as running:
        running.wait_until_ready()
        after = json.loads(running.run("status", "-o", "json"))["planes"][0]
        assert (after["revision"], after["counts"]) == (before["revision"], before["counts"])
        _, said = running.end(signal.SIGTERM)
        assert "is there already" in said


def test_the_demo_is_registered_only_while_it_runs(tmp_path):
    ports = ports_by_option()
    with up(tmp_path, "--no-catalog", ports=ports) as running:
        running.wait_until_ready()
        assert json.loads(running.run("status", "-o", "json"))["planes"][0]["counts"]["invocable"] == 2
        assert running.end()[0] == 0
    with up(tmp_path, "--no-catalog", "--no-demo", ports=ports) as running:
        running.wait_until_ready()
        assert json.loads(running.run("status", "-o", "json"))["planes"][0]["counts"]["models"] == 0
        assert running.end()[0] == 0


def test_a_server_that_dies_is_reported_and_takes_the_others_with_it(tmp_path):
    with up(tmp_path, "--no-catalog") as running:
        running.wait_until_ready()
        children = running.children()
        (gateway,) = [child for child in children if "gateway" in child.cmdline()[-1]]
        gateway.kill()
        code, said = running.ended()
        assert code == 1
        assert "the gateway ended by itself (killed by SIGKILL)" in said
        assert "gateway.log" in said
        # What the dead one had started sees that by itself.
        wait_until_gone(children)


def test_a_killed_launcher_leaves_no_servers_behind(tmp_path):
    with up(tmp_path, "--no-catalog") as running:
        running.wait_until_ready()
        children = running.children()
        assert len(children) == SERVERS
        running.process.kill()
        wait_until_gone(children)


def test_a_server_that_cannot_start_is_reported_with_its_last_lines(tmp_path):
    (tmp_path / "registry").write_text("a file where a folder should be")
    with up(tmp_path, "--no-demo", "--no-catalog") as running:
        code, said = running.ended()
        assert code == 1
        assert "the registry ended by itself (exit code 1)" in said
        assert "data folder" in said
        assert "Traceback" not in said


@pytest.mark.parametrize("name", PORTS if CARRIER == "aio" else [name for name in PORTS if "http" not in name])
def test_a_port_in_use_is_told_before_anything_starts(tmp_path, name):
    ports = ports_by_option()
    with socket.create_server(("127.0.0.1", ports[name])), up(tmp_path / "data", ports=ports) as running:
        code, said = running.ended()
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{ports[name]}" in said
    assert f"--{name}-port" in said
    assert not (tmp_path / "data").exists()


def test_ctrl_c_while_it_starts_leaves_nothing_behind(tmp_path):
    with up(tmp_path) as running:
        while len(running.children()) < 2:
            assert running.process.poll() is None
        children = running.children()
        code, said = running.end()
        assert code == 0, said
        assert gone(children)


def test_it_listens_beyond_loopback_only_when_that_is_meant(tmp_path):
    with up(tmp_path, "--host", "0.0.0.0") as running:  # noqa: S104 - it must be refused
        code, said = running.ended()
    assert code == 1
    assert "--insecure" in said


def test_two_servers_cannot_have_one_port(tmp_path):
    ports = ports_by_option()
    ports["gateway"] = ports["registry"]
    with up(tmp_path, ports=ports) as running:
        code, said = running.ended()
    assert code == 1
    assert "is asked for twice" in said
