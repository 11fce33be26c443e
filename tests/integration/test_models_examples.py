"""The examples of docs/models.md, run as people run them against the demo backend, and what they print."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from airegistry.manifests import plain
from launcher.demo import demo_resources
from tests.command_line import servers

EXAMPLES = Path(__file__).parents[2] / "examples"
BY = "models/demo-ngram/endpoints/demo-backend"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with servers(tmp_path_factory.mktemp("data")) as running:
        resources = [plain(resource) for resource in demo_resources(running.demo.removeprefix("http://"))]
        running.data("register", "-f", "-", given=json.dumps(resources))
        running.until_gateway_knows()
        yield running


def run(running, name):
    command = [sys.executable, str(EXAMPLES / name), running.registry, running.gateway]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_model_is_found_and_asked_through_the_gateway_and_without_one(running):
    said = run(running, "find_and_ask.py")
    first, *rest = said.splitlines()
    assert first.startswith(f"{BY} 0.")
    assert any(line.startswith(f"{BY} for 0.00 USD: ") for line in rest)
    # The model may come to an end before.
    (tokens,) = [int(line.removesuffix(" tokens")) for line in rest if re.fullmatch(r"\d+ tokens", line)]
    assert 0 < tokens <= 24
    assert "from this process: " in said
    assert rest[-1].startswith("no model for 'text-generation' is as wanted: 2 excluded: ")


def test_a_script_needs_no_event_loop(running):
    said = run(running, "find_and_ask_script.py")
    assert said.startswith(f"{BY} for 0.00 USD: ")
    # An answer, and another one in pieces, of up to 24 tokens each.
    assert len(said.split()) > 8
