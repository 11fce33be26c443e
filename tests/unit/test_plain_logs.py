import json
import logging
import sys

import pytest

from airegistry._rpc.logs import configure_logs
from airegistry._rpc.plain_logs import log_plainly


@pytest.fixture(autouse=True)
def _undone():
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def said(capsys, configure, log_format):
    configure("info", log_format)
    logging.getLogger("some.place").info("it %s", "began")
    logging.getLogger("some.place").debug("not this")
    return capsys.readouterr().err


def failed(capsys, log_format):
    log_plainly("info", log_format)
    try:
        int("a reason")
    except ValueError:
        logging.getLogger("some.place").exception("it failed")
    return capsys.readouterr().err


def test_lines_have_the_fields_of_those_of_a_whole_server(capsys, monkeypatch):
    plain = json.loads(said(capsys, log_plainly, "json"))
    assert (plain["event"], plain["level"], plain["logger"]) == ("it began", "info", "some.place")
    whole = json.loads(said(capsys, lambda level, kind: configure_logs(level, kind, sys.stderr), "json"))
    assert plain.keys() == whole.keys()
    assert len(plain["timestamp"]) == len(whole["timestamp"])


def test_words_are_those_of_a_whole_server(capsys):
    moment, words = said(capsys, log_plainly, "console").split(" ", 1)
    assert moment.endswith("Z")
    assert words == "[info     ] it began [some.place]\n"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_what_failed_is_told_with_its_traceback(capsys, log_format):
    text = failed(capsys, log_format)
    assert "it failed" in text
    assert "ValueError: invalid literal" in text
