"""`python -m demo_backend`: serve until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import math
import signal
import sys

from demo_backend.cards import CARDS
from demo_backend.settings import Settings

MAX_PORT = 65535


def main() -> int:
    """Run the server; return 1 when its address cannot be taken."""
    settings = Settings(**vars(_parser().parse_args()))
    try:
        asyncio.run(_run(settings))
    except OSError as error:
        sys.stderr.write(f"demo backend: cannot listen on {settings.host}:{settings.port}: {error}\n")
        return 1
    return 0


async def _run(settings: Settings) -> None:
    # Before the models are trained: a signal that comes early must end the process as cleanly.
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stopped.set)

    from demo_backend.server import serve  # noqa: PLC0415  (most of the start is here, after the handlers)

    async with serve(settings) as url:
        sys.stdout.write(f"demo backend: {url} serves {', '.join(CARDS)}, toy models of Python's documentation\n")
        sys.stdout.flush()
        await stopped.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo_backend",
        description="An OpenAI-compatible provider around two toy models trained at start on Python's documentation.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    defaults = Settings()
    parser.add_argument("--host", default=defaults.host, help="address to listen on")
    parser.add_argument("--port", type=_port, default=defaults.port, help="port to listen on, 0 for a free one")
    parser.add_argument(
        "--token-delay",
        type=_seconds,
        default=defaults.token_delay,
        help="seconds before each token",
    )
    parser.add_argument("--failure-rate", type=_share, default=defaults.failure_rate, help="share of answers that fail")
    parser.add_argument("--max-running", type=_count, default=defaults.max_running, help="answers at a time")
    parser.add_argument("--max-body", type=_count, default=defaults.max_body, help="bytes of one request")
    parser.add_argument("--drain", type=_seconds, default=defaults.drain, help="seconds for the last answers")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"must be from 0 to {MAX_PORT}")
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return share


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError("must be a number of seconds, not negative")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
