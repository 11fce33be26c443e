"""A process with one client in it, in the loop of the gateway: a line in names a work, a line out says what it cost."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict

import uvloop

from benchmarks.http_clients.clients import open_client, title
from benchmarks.http_clients.clients.port import Options
from benchmarks.http_clients.loops import WORKS, call_of, see_extra, turn


async def processor() -> float:
    """Return the seconds of the processor that this process used, with all its threads."""
    return time.process_time()


async def serve(name: str, base: str) -> None:
    """Take turns until there are no more lines."""
    client = await open_client(name, Options())
    loop = asyncio.get_running_loop()
    print(json.dumps({"title": title(name)}), flush=True)
    # A thread waits for the line, so that the loop of the client rests meanwhile.
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        work = WORKS[line.strip()]
        cost = await turn(call_of(client, base, work), work, processor)
        print(json.dumps(asdict(cost)), flush=True)
    await client.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("base")
    see_extra()
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.name, arguments.base))
