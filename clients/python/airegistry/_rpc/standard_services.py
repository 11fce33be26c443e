"""The services that every server has beside its own."""

from __future__ import annotations

from collections.abc import Sequence

from airegistry._rpc.health import HealthState, health_service
from airegistry._rpc.reflection import reflection_services
from airegistry._rpc.service import Service


def with_standard_services(own: Sequence[Service], health: HealthState, *more: Service) -> list[Service]:
    """Return the *own* services, health, and *more*, with reflection that tells of all of them."""
    services = [*own, health_service(health), *more]
    return [*services, *reflection_services([service.name for service in services])]
