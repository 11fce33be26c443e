"""What the logs of a server say, and what they never say."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from airegistry._rpc.logs import configure_logs
from airegistry._rpc.plain_logs import LogFormat

KEY = "sk-of-a-caller"


@pytest.fixture(autouse=True)
def kept_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def fail_with(key: str) -> None:
    held = {"authorization": key}
    raise TypeError(f"{len(held)} is no header")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_never_shows_what_its_frames_hold(log_format: LogFormat):
    stream = io.StringIO()
    configure_logs("info", log_format, stream)
    try:
        fail_with(KEY)
    except TypeError:
        logging.getLogger("tests").exception("it broke")
    said = stream.getvalue()
    assert "it broke" in said
    assert "TypeError: 1 is no header" in said
    assert KEY not in said
