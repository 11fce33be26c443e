"""What probes have to say of an endpoint, and what it changes in the endpoint's status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from airegistry.resources.endpoint import ProbeStep
from airegistry.resources.resource import Health, Liveness, Probe, ResourceStatus


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is believed of the endpoint of that name and uid, and the highest step that worked; None: not even the first.

    Without a health it is withdrawn: the endpoint is not probed any more, and what probes said of it counts no longer.
    """

    name: str
    uid: str
    health: Health | None
    health_reason: str
    step: ProbeStep | None


def restate(status: ResourceStatus | None, verdict: Verdict, time: datetime) -> ResourceStatus | None:
    """Return the status with the verdict in it; equal to *status* when that says nothing new."""
    known = status or ResourceStatus()
    if verdict.health is None:
        changed = _without_probes(known, time)
    else:
        changed = _with_step(known, verdict.step, time)
        if verdict.health is not known.health and not _reported(known):
            changed = replace(changed, health=verdict.health, health_reason=verdict.health_reason, health_time=time)
    return changed if changed != ResourceStatus() else None


def _reported(status: ResourceStatus) -> bool:
    """Say whether the health is the holder's own word, which stands: always when it drains, else while its lease lives.

    Probes always give a reason; a Heartbeat has none.
    """
    if status.health is Health.DRAINING:
        return True
    return status.health is not None and not status.health_reason and status.liveness is Liveness.LIVE


def _with_step(status: ResourceStatus, step: ProbeStep | None, time: datetime) -> ResourceStatus:
    if status.probe is not None and status.probe.step is step:
        return status
    return replace(status, probe=Probe(step, time))


def _without_probes(status: ResourceStatus, time: datetime) -> ResourceStatus:
    if status.probe is None:
        return status
    if status.health is None or _reported(status):
        return replace(status, probe=None)
    return replace(status, probe=None, health=None, health_reason="", health_time=time)
