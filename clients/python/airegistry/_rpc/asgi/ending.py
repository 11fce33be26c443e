"""How calls end that do not end well."""

from __future__ import annotations

from airegistry._rpc.asgi.headers import status_trailers
from airegistry._rpc.asgi.refusing import ProtocolError
from airegistry._rpc.carrying import known
from airegistry._status import to_status


def ending(error: Exception, path: str) -> tuple[str, list[tuple[bytes, bytes]]]:
    """Return the code's name and the trailers by which *error* ends a call of *path*."""
    if isinstance(error, ProtocolError):
        return error.code.name, status_trailers(error.code, error.message)
    status = to_status(known(error, path))
    return status.code.name, status_trailers(status.code, status.message, status.details)
