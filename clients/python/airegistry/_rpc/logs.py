"""Logs of a server: every logger of the process, as JSON lines or as text for people."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog

from airegistry._rpc.plain_logs import LogFormat, LogLevel

# They tell of their own starts and stops at info.
_QUIET = ("uvicorn", "uvicorn.error", "asyncio", "alembic")


def configure_logs(
    level: LogLevel, log_format: LogFormat, stream: TextIO = sys.stderr, *, fields: Mapping[str, object] | None = None
) -> None:
    """Send what any logger says, from *level* on, to *stream*; the fields of `extra`, and *fields*, come along."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                _adding(fields or {}),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(log_format, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _adding(fields: Mapping[str, object]) -> structlog.typing.Processor:
    return lambda _logger, _method, event: {**event, **fields}


def _rendering(log_format: LogFormat, stream: TextIO) -> list[structlog.typing.Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    # The renderer's own choice shows the locals of every frame: callers' words and keys, and seconds of the event loop.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
