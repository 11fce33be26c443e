"""What holds for every test: nothing leaves this machine, and property tests do not flake on a slow one."""

import gc
import ipaddress
import os
import signal
import socket
import sys

from hypothesis import settings

pytest_plugins = ["tests.postgres"]

# A shell starts what it runs in the background with Ctrl-C ignored, and every process that a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=20_000)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_collection_finish() -> None:
    """Spare every later garbage collection the thousands of tests that were found: they stay until the end."""
    gc.collect()
    gc.freeze()


class NetworkUseError(RuntimeError):
    """A test tried to reach beyond loopback."""


def _is_local(host: object) -> bool:
    if not host or host in ("localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host)).is_loopback
    except ValueError:
        return False


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    match event, arguments:
        case (("socket.connect" | "socket.sendto"), (socket.socket(family=family), (host, *_))):
            local = family not in (socket.AF_INET, socket.AF_INET6) or _is_local(host)
        case "socket.getaddrinfo", (host, *_):
            local = _is_local(host)
        case _:
            return
    if not local:
        # Not an OSError: code that copes with a dead network must not hide it.
        raise NetworkUseError(f"{event} to {host!r}")


# An audit hook sees every socket of this process that Python opens, asyncio's too. (Not those of gRPC's C core or of
# uvloop: those get their addresses from the test.)
sys.addaudithook(_refuse_network)
