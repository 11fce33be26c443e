"""The carrier that needs nothing extra, brought in only where it serves: supervisors, and servers inside Envoy, stay small."""

from __future__ import annotations

from airegistry._rpc.carrier import Carrier


def usual_carrier(own: str | None = None) -> Carrier:
    """Return the carrier that is grpc.aio and uvicorn. *own* is an address where this process alone serves its pages."""
    from airegistry._rpc.aio_carrier import AioCarrier  # noqa: PLC0415 - see above

    return AioCarrier(own)
