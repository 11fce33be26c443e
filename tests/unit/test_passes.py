"""`make test` runs pytest twice, or three times: what it makes of the ends of all."""

import re
from pathlib import Path

import pytest

from tools import passes
from tools.passes import both, stopped

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

def test_beside_others():
    assert False

@pytest.mark.alone
def test_alone():
    pass
"""


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        pytest.param((0, 0), 0, id="well"),
        pytest.param((1, 0), 1, id="side-by-side-failed"),
        pytest.param((0, 1), 1, id="alone-failed"),
        pytest.param((5, 0), 0, id="none-side-by-side"),
        pytest.param((0, 5), 0, id="none-alone"),
        pytest.param((1, 5), 1, id="failed-and-none"),
        pytest.param((5, 5), 5, id="none-at-all"),
    ],
)
def test_the_tests_end_well_only_when_both_passes_do(codes, code):
    assert both(codes) == code


@pytest.mark.parametrize("code", [2, 3, 4, -9], ids=["interrupted", "broken", "wrong-option", "killed"])
def test_what_stopped_a_pass_stops_both(code):
    assert stopped(code)


def test_a_third_pass_is_inside_envoy_and_has_its_own_tests(tmp_path, monkeypatch, capfd):
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = alone\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "contract.py").write_text("import os\n\ndef test_it():\n    assert os.environ['CARRIER'] == 'envoy'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARRIER", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(passes, "SMOKE", ("contract.py",))
    assert passes.main(["--smoke", "-p", "xdist"]) == 1
    last = capfd.readouterr().out.splitlines()[-1]
    assert re.search(r"; alone: 1 passed in \d+:\d\d; inside Envoy: 1 passed in \d+:\d\d$", last)


def test_what_is_run_inside_envoy_is_there():
    assert all((ROOT / file).is_file() for file in passes.SMOKE)


def test_both_passes_run_and_the_last_line_tells_of_them(tmp_path, monkeypatch, capfd):
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = alone\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert passes.main(["-p", "xdist"]) == 1
    last = capfd.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"side by side: 0 passed, 1 failed in \d+:\d\d; alone: 1 passed in \d+:\d\d", last)
