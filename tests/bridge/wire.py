"""How ASGI events travel between Envoy and the test: pickled, each with its length before it."""

import pickle
import struct
from typing import Any

_LENGTH = struct.Struct("!I")


def packed(*values: Any) -> bytes:
    body = pickle.dumps(values, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


async def unpacked(reader: Any) -> Any:
    """The next values; IncompleteReadError at the end."""
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 - from our own child process
