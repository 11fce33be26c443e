"""Logs of a process that has to stay small: the same lines as those of `logs`, without what makes those."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]


def log_plainly(level: LogLevel, log_format: LogFormat) -> None:
    """Send what any logger says, from *level* on, to the standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines() if log_format == "json" else _Words())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("asyncio").setLevel(logging.WARNING)


class _Words(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = f"{_moment(record)} [{record.levelname.lower():<9}] {record.getMessage()} [{record.name}]"
        return f"{said}\n{self.formatException(record.exc_info)}" if record.exc_info else said


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": _moment(record),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
