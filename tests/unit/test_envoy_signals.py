"""The signals that a program inside Envoy hears before Envoy does."""

import subprocess
import sys

_PROGRAM = """
import asyncio, faulthandler, os, signal, sys
from airegistry._rpc.envoy.signals import Signals

signals = Signals()
# As Envoy does: a handler that is none of Python's.
faulthandler.register(signal.SIGTERM, file=sys.stdout)


async def main():
    heard = asyncio.Queue()
    signals.hear(heard.put_nowait)
    signals.take()
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
        print((await heard.get()).name, flush=True)
    signals.give_back()
    os.kill(os.getpid(), signal.SIGTERM)
    print(heard.qsize())


asyncio.run(main())
"""


def test_they_come_to_the_program_until_it_gives_them_back():
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=30, check=True)
    first, second, third, of_envoy, *_, left = done.stdout.splitlines()
    assert (first, second, third) == ("SIGTERM", "SIGTERM", "SIGINT")
    assert of_envoy.startswith("Current thread")
    assert left == "0"
