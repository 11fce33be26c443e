"""Ports for servers of a test: nobody else gets one between its choice and its use, nor after it for as long as the tests run.

So who calls a provider that is gone, as tests of failover do, reaches no other test's. The kernel gives none of them to an
outgoing connection, nor to whoever asks for port 0: they are below its range. Of several test processes only one may hand a
port out: it locks that byte of a file, until it ends.
"""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

RANGE = range(10_000, 32_000)
_LOCKS = os.open(Path(tempfile.gettempdir()) / f"airegistry-test-ports-{os.getuid()}", os.O_RDWR | os.O_CREAT, 0o600)
# A process does not see locks of its own.
_handed_out: set[int] = set()
# Property tests seed the common one.
_rng = random.Random()


def free_address() -> str:
    """Return an address of the loopback interface that nobody listens on."""
    return f"127.0.0.1:{free_port()}"


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    return free_ports_apart(1, 1)


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on, all different."""
    return [free_port() for _ in range(count)]


def free_ports_apart(apart: int, count: int) -> int:
    """Return the first of ports that nobody listens on, *apart* from each other; AssertionError when hardly one is free."""
    for _ in range(1_000):
        first = _rng.choice(RANGE)
        if all(_take(first + apart * number) for number in range(count)):
            return first
    raise AssertionError("hardly a port is free")


def _take(port: int) -> bool:
    """Hand out *port*, unless it was, or somebody listens there."""
    if port in _handed_out or port not in RANGE:
        return False
    try:
        fcntl.lockf(_LOCKS, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    _handed_out.add(port)
    return True
