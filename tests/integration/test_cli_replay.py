"""`airegistry replay`: on logs, on worlds, and on the page that shows both."""

import gzip
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from airegistry.cli.app import build
from airegistry.learning.records import decision_line, read_decisions

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "learned-selection.md"
RECORDED = "tests/decisions/demo.jsonl.gz"
SHOWN = re.findall(
    r"^```console\n\$ airegistry (replay [^\n]*)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
)


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def run(*arguments):
    return CliRunner().invoke(build(), arguments)


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command for command, _ in SHOWN])
def test_the_page_shows_what_the_command_prints(command, shown):
    done = run(*command.split())
    assert done.exit_code == 0, done.stderr
    assert lines(shown) == lines(done.stdout)


def test_the_page_shows_the_recorded_log_and_every_world():
    shown = " ".join(command for command, _ in SHOWN)
    assert RECORDED in shown
    assert all(world in shown for world in ("stationary", "drift", "cold-start", "dead-arm"))


def test_the_recorded_log_is_small_and_whole():
    path = ROOT / RECORDED
    assert path.stat().st_size <= 200_000
    decisions = read_decisions(gzip.decompress(path.read_bytes()).decode().splitlines(), RECORDED)
    assert len(decisions) >= 1_000
    assert {each.route for each in decisions} == {"routes/learned"}
    assert {one.name.rpartition("/")[2] for each in decisions for one in each.considered} == {"fast", "steady", "slow"}
    assert len({each.outcome.error for each in decisions}) > 1


def test_a_log_is_compared_as_data():
    done = run("--output", "json", "replay", RECORDED, "--policy", "uniform", "--policy", "thompson")
    data = json.loads(done.stdout)
    assert [each["policy"] for each in data["policies"]] == ["uniform", "thompson"]
    uniform = data["policies"][0]
    assert uniform["ips"]["low"] < uniform["dr"]["value"] < uniform["ips"]["high"]
    assert uniform["effective_size"] > 100
    assert data["rounds"] <= data["decisions"]


def test_a_world_is_compared_as_data():
    done = run("--output", "json", "replay", "--generate", "drift", "--rounds", "100", "--runs", "2")
    data = json.loads(done.stdout)
    assert (data["world"], data["runs"], data["rounds"], data["seed"]) == ("drift", 2, 100, 7)
    assert {"logged", "uniform"} < {each["policy"] for each in data["policies"]}


def test_several_logs_are_one_and_plain_ones_will_do(tmp_path):
    decisions = read_decisions(gzip.decompress(Path(RECORDED).read_bytes()).decode().splitlines(), RECORDED)
    older, newer = tmp_path / "log.1", tmp_path / "log"
    older.write_text("\n".join(map(decision_line, decisions[:500])))
    newer.write_text("\n".join(map(decision_line, decisions[500:])))
    both = run("--output", "json", "replay", str(older), str(newer), "--policy", "uniform")
    assert json.loads(both.stdout) == json.loads(
        run("--output", "json", "replay", RECORDED, "--policy", "uniform").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "not both"),
        ([RECORDED, "--generate", "drift"], 2, "not both"),
        (["nowhere.jsonl"], 1, "nowhere.jsonl cannot be read: no such file or directory\n"),
        (["README.md"], 1, "README.md, line 1: not a decision: no JSON at column 1\n"),
        ([RECORDED, "--policy", "best"], 1, "cheapest"),
        (["--generate", "mars"], 1, "dead-arm"),
    ],
    ids=["nothing", "both", "no-file", "no-log", "no-policy", "no-world"],
)
def test_bad_input_is_told_in_a_line(arguments, code, said):
    done = run("replay", *arguments)
    assert done.exit_code == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_that_was_cut_while_compressed_is_told(tmp_path):
    broken = tmp_path / "log.gz"
    broken.write_bytes(Path(RECORDED).read_bytes()[:500])
    done = run("replay", str(broken))
    assert (done.exit_code, "log.gz is no whole gzip file" in done.stderr) == (1, True)


def test_a_log_without_choices_is_told(tmp_path):
    (tmp_path / "log").write_text("")
    done = run("replay", str(tmp_path / "log"))
    assert (done.exit_code, "none has several candidates" in done.stderr) == (1, True)
