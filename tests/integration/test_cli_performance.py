"""`performance` and `stats` against a registry that measured something."""

import asyncio
import json
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from airegistry.client import RegistryClient
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.invocations.usage import Cost, CostState, Usage
from airegistry.manifests import plain
from airegistry.resources.endpoint import DeclaredPerformance
from airegistry.resources.route import ErrorClass
from airegistry.testing import FakeRegistry
from tests.catalogs import endpoint, model
from tests.command_line import Servers, servers
from tests.observing import REPORTER, seen
from tests.providers import ok

NOWHERE = "http://127.0.0.1:1/v1"
DECLARED = DeclaredPerformance(time_to_first_token=0.2, tokens_per_second=80.0, reliability=0.99)
A, B = "models/m/endpoints/a", "models/m/endpoints/b"


async def fill(address):
    async with RegistryClient(address) as client:
        await client.register([model(), endpoint("a", NOWHERE, declared=DECLARED), endpoint("b", NOWHERE)])
        await client.report_usage(
            [
                seen(
                    duration=2.5,
                    time_to_first_token=0.5,
                    usage=Usage(input_tokens=10, output_tokens=5),
                    cost=Cost(CostState.KNOWN, 18_000),
                ),
                *(seen(outcome=AttemptOutcome.ERROR, error_class=ErrorClass.TIMEOUT) for _ in range(2)),
                seen(outcome=AttemptOutcome.ERROR, error_class=ErrorClass.INVALID_REQUEST),
                seen(outcome=AttemptOutcome.CANCELED),
            ],
            reporter_id=REPORTER,
            batch_number=1,
        )


@contextmanager
def registry(**options):
    """Run a fake registry in a thread of its own, as a command has its own loop."""
    address: Future[str] = Future()
    stopped = asyncio.Event()

    async def serve():
        async with FakeRegistry(**options) as fake:
            address.set_result(fake.address)
            await stopped.wait()

    with ThreadPoolExecutor(1) as pool, asyncio.Runner() as loop:
        running = pool.submit(loop.run, serve())
        try:
            yield address.result(timeout=20)
        finally:
            loop.get_loop().call_soon_threadsafe(stopped.set)
            running.result(timeout=20)


@pytest.fixture(scope="module")
def running():
    with registry() as address:
        asyncio.run(fill(address))
        yield Servers(address, NOWHERE, "", {})


def test_declared_and_measured_stand_side_by_side(running):
    result = running.run("performance", A)
    assert result.exit_code == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if line.strip()]
    declared = next(row for row in rows if "declared" in row)
    assert declared == [A, "declared", "0.99", "0.2", "s", "80.0"]
    minute = next(row for row in rows if row[:2] == ["1", "m"])
    assert minute[4:] == [
        "ago", "4", "0.333", "0.5", "s", "(0.5", "s)", "2", "(2)", "2.5", "s", "(2.5", "s)", "1", "0.000018", "of", "1", "15",
        "1", "invalid_request,", "2", "timeout",
    ]  # fmt: skip


def test_a_model_stands_for_all_who_serve_it_and_nothing_measured_is_no_zero(running):
    result = running.run("performance", "models/m")
    assert A in result.stdout
    rest = result.stdout[result.stdout.index(B) :].split()
    assert rest[:8] == [B, "declared", "?", "?", "?", "measured", "never", "first"]


def test_as_data_it_has_everything(running):
    first, second = running.data("performance", A, B)
    assert first["declared"] == {"time_to_first_token": 0.2, "tokens_per_second": 80.0, "reliability": 0.99}
    window = first["performance"]["windows"][0]
    assert (window["window"], window["attempts"], window["canceled"], window["cost_usd"]) == (60.0, 4, 1, "0.000018")
    assert window["errors"] == [{"error_class": "invalid_request", "count": 1}, {"error_class": "timeout", "count": 2}]
    assert (second["name"], "windows" in second["performance"]) == (B, False)


def test_stats_are_told_over_time(running):
    (hour,) = running.data("stats", A, "--period", "6h", "--step", "1h")
    assert hour["windows"][0]["attempts"] == 4
    shown = running.run("stats", A, "--period", "1d")
    assert shown.exit_code == 0, shown.stderr
    assert "2 timeout" in shown.stdout


def test_stats_of_nothing_say_so(running):
    assert running.data("stats", B) == []
    result = running.run("stats", B)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing was measured" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["performance", "models/gone"], 1, "NOT_FOUND", id="not-registered"),
        pytest.param(["stats", A, "--period", "soon"], 2, "not a duration", id="no-duration"),
        pytest.param(["stats", A, "--step", "7m"], 1, "step", id="no-step"),
        pytest.param(["performance"], 2, "Missing argument", id="no-name"),
    ],
)
def test_what_is_wrong_is_said(running, arguments, code, said):
    result = running.run(*arguments)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


def test_a_registry_that_does_not_measure_says_so():
    with registry(analytics=False) as address:
        asyncio.run(register_one(address))
        result = Servers(address, NOWHERE, "", {}).run("performance", A)
    assert result.exit_code == 1
    assert "older than the command" in result.stderr


async def register_one(address):
    async with RegistryClient(address) as client:
        await client.register([model(), endpoint("a", NOWHERE)])


def test_an_explained_discover_shows_declared_and_measured_with_count_and_age(running):
    result = running.run("discover", "--explain", "--any-credential")
    assert result.exit_code == 0, result.stderr
    rows = [re.split(r"\s{2,}", line.strip()) for line in result.stdout.splitlines()]
    first = next(row for row in rows if "first token" in row)
    assert first[1:6] == ["first token", "0.2 s", "0.5 s", "1", "1 d"]
    assert re.fullmatch(r"\d+ [sm] ago", first[6])
    assert next(row for row in rows if "reliability" in row)[:5] == ["reliability", "0.99", "0.3333", "3", "1 d"]
    assert next(row for row in rows if "tokens/s" in row)[1] == "80"


def test_calls_through_a_gateway_show_after_a_moment(tmp_path):
    with servers(tmp_path, good=ok) as real:
        real.data(
            "register", "-f", "-", given=json.dumps([plain(model()), plain(endpoint("a", real.providers["good"]))])
        )
        real.until_gateway_knows()
        for _ in range(3):
            assert real.run("invoke", "m", "hello").exit_code == 0
        (shown,) = real.data("performance", "models/m")
        deadline = time.monotonic() + 60
        while shown["performance"].get("windows", [{"attempts": 0}])[0]["attempts"] < 3:
            assert time.monotonic() < deadline, shown
            (shown,) = real.data("performance", "models/m")
        assert (shown["name"], "errors" in shown["performance"]["windows"][0]) == (A, False)
