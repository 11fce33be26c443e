"""How many Watch streams a registry says are open."""

import asyncio
import urllib.request


async def until_watches(http_address: str, count: int) -> None:
    """Wait until exactly *count* streams are open, by the metrics at *http_address*; not for long."""
    async with asyncio.timeout(30):
        while True:
            if await asyncio.to_thread(_open, http_address) == count:
                return
            await asyncio.sleep(0.05)


def _open(http_address: str) -> int:
    with urllib.request.urlopen(f"http://{http_address}/metrics", timeout=30) as metrics:
        lines = metrics.read().decode().splitlines()
    (line,) = [line for line in lines if line.startswith("airegistry_watch_streams ")]
    return int(float(line.split()[1]))
