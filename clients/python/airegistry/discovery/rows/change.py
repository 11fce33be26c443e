"""What changes most often of an endpoint: where it is, whether it is well, and its prices."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from airegistry.discovery.rows.rates import Rates, endpoint_rates
from airegistry.discovery.rows.row import Mark, health_marks
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.prices import PriceList
from airegistry.resources.resource import Health, Resource

One = tuple[Mark, str]

_FIELDS = tuple(field.name for field in fields(Endpoint))
_values = attrgetter(*_FIELDS)
# To look up a member of an enum takes longer than to compare with it.
_DEGRADED = Health.DEGRADED
_TEXTS = {"region": Mark.REGION, "provider": Mark.PROVIDER, "quantization": Mark.QUANTIZATION}


class Change(NamedTuple):
    """Marks that come in the place of others, and the prices if these are others. All the rest of a row stays as it is."""

    gone: list[One]
    come: list[One]
    rates: Rates | None


def change_of(before: Resource | None, after: Resource, at: datetime) -> Change | None:
    """Return what is another at a time in the row of an endpoint whose model is the same; None when it is to be written anew.

    To write less is quicker by far: most of a row, and of what it was made from, was long ago in no cache.
    """
    if before is None or before.endpoint is None or after.endpoint is None:
        return None
    # A row is judged by whether it is degraded, too.
    if before.labels != after.labels or _degraded(before) or _degraded(after):
        return None
    found = _of_endpoints(before.endpoint, after.endpoint, at)
    if found is not None and before.status is not after.status:
        found.gone.extend(health_marks(before.status))
        found.come.extend(health_marks(after.status))
    return found


def _of_endpoints(before: Endpoint, after: Endpoint, at: datetime) -> Change | None:
    gone: list[One] = []
    come: list[One] = []
    rates = None
    for name, old, new in zip(_FIELDS, _values(before), _values(after), strict=True) if before is not after else ():
        if old is new or old == new:
            continue
        if name in _TEXTS:
            gone.append((_TEXTS[name], old))
            come.append((_TEXTS[name], new))
        elif name == "prices" and not (_scheduled(old) or _scheduled(new)):
            rates = endpoint_rates(new, at)
        else:
            return None
    return Change(gone, come, rates)


def _scheduled(prices: PriceList | None) -> bool:
    """Say whether any prices begin or end by the clock, which has to be looked after."""
    schedules = () if prices is None else prices.schedules
    return any(each.start_time or each.end_time or each.daily_window for each in schedules)


def _degraded(resource: Resource) -> bool:
    return resource.status is not None and resource.status.health is _DEGRADED
