"""llama-server as a process that a test may stop in every way, and what it says of itself."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.ports import free_ports
from tools.real_models.cache import RealModels

NAME = "tiny"
"""What the servers call their model."""
SLOTS = 4
SLOT_TOKENS = 4096
"""How many tokens prompt and answer may have together."""
ENDLESS = ("--ignore-eos", "--ctx-size", str(SLOTS * 16_384))
"""Options for answers that go on until there is no room any more; that takes seconds."""
REMEMBERING = ("--cache-prompt",)
"""Options for a server that keeps what it has read of a prompt. Others read it anew each time: that their answers are the
same each time hangs on it, for how much is read at once changes the last digits."""
START = 60.0


@dataclass
class LlamaServer:
    process: subprocess.Popen[bytes]
    url: str
    log: Path

    async def until_ready(self) -> None:
        """Wait until the model is loaded."""
        while self.process.poll() is None:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with aiohttp.ClientSession(self.url) as session, session.get("/health") as reply:
                    if reply.ok:
                        return
            await asyncio.sleep(0.05)
        raise AssertionError(f"llama-server ended; why is in {self.log}")

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait()

    def halt(self) -> None:
        """Stop it as a machine does that swaps: connections stay open, and nothing comes."""
        self.process.send_signal(signal.SIGSTOP)

    async def busy(self) -> list[dict[str, Any]]:
        """Return the slots that work on an answer."""
        return [slot for slot in await self._get("/slots") if slot["is_processing"]]

    async def until_busy(self, count: int = 1) -> None:
        """Wait until *count* slots work on an answer."""
        async with asyncio.timeout(30):
            while len(await self.busy()) < count:  # noqa: ASYNC110 - a process of its own: nobody tells
                await asyncio.sleep(0.005)

    async def until_idle(self) -> None:
        """Wait until no slot works on an answer.

        llama-server looks for the caller of a whole answer when it heard nothing for a second. Every question to it counts
        as heard, so it is asked more seldom than that.
        """
        async with asyncio.timeout(30):
            while await self.busy():  # noqa: ASYNC110 - the same
                await asyncio.sleep(1.3)

    async def tokens_made(self) -> int:
        """Return how many tokens it has ever made."""
        page = await self._get("/metrics")
        (line,) = [line for line in page.splitlines() if line.startswith("llamacpp:tokens_predicted_total ")]
        return int(float(line.split()[1]))

    async def _get(self, path: str) -> Any:
        async with aiohttp.ClientSession(self.url) as session, session.get(path) as reply:
            reply.raise_for_status()
            return await reply.json() if reply.content_type == "application/json" else await reply.text()


@asynccontextmanager
async def llama_server(files: RealModels, folder: Path, *options: str) -> AsyncIterator[LlamaServer]:
    """Run a server of one's own until the block ends."""
    with started(files, folder, *options) as server:
        async with asyncio.timeout(START):
            await server.until_ready()
        yield server


@contextmanager
def started(files: RealModels, folder: Path, *options: str) -> Iterator[LlamaServer]:
    """Start a server; it is not ready yet. It leaves its log in *folder*."""
    (port,) = free_ports(1)
    command: list[str | Path] = [
        files.server,
        *("--model", files.model, "--alias", NAME),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--parallel", str(SLOTS), "--ctx-size", str(SLOTS * SLOT_TOKENS), "--no-kv-unified"),
        *("--threads", "1", "--threads-batch", "1", "--threads-http", "8"),
        *("--metrics", "--slots", "--cache-ram", "0", "--no-cache-prompt"),
        *options,
    ]
    log = folder / f"llama-server-{port}.log"
    with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT) as process:
        try:
            yield LlamaServer(process, f"http://127.0.0.1:{port}", log)
        finally:
            process.kill()
