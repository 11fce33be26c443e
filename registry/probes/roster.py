"""The endpoints of a catalog as probes see them: which are probed together, and what is believed of each."""

from __future__ import annotations

from collections.abc import Hashable

from airegistry.resources.endpoint import ProbeStep
from airegistry.resources.resource import Resource
from registry.probes.judging import Judgement, shown
from registry.probes.target import Target, target_of
from registry.probes.verdict import Verdict


class Member:
    """One endpoint: what it allows, what it shows, and what is believed of it here."""

    __slots__ = ("highest", "interval", "judgement", "name", "status", "uid", "unit")

    def __init__(self, resource: Resource, target: Target, unit: Unit) -> None:
        self.name = resource.name
        self.uid = resource.uid
        self.unit = unit
        self.highest = target.highest
        self.interval = target.interval
        self.status = resource.status
        self.judgement: Judgement = shown(resource.status)

    def forget(self) -> None:
        """Believe no more than what the resource shows."""
        self.judgement = shown(self.status)


class Unit:
    """Endpoints that share their probes."""

    __slots__ = ("endpoint", "key", "members", "place", "running")

    def __init__(self, target: Target) -> None:
        self.key = target.key
        self.place = target.place
        self.endpoint = target.endpoint
        self.members: dict[str, Member] = {}
        self.running = False

    @property
    def highest(self) -> ProbeStep:
        """The highest step that any of them allows."""
        return max((member.highest for member in self.members.values()), default=ProbeStep.CONNECT)

    @property
    def interval(self) -> float:
        """The shortest interval of them, in seconds."""
        return min(member.interval for member in self.members.values())


class Roster:
    """What is to be probed. `withdrawn` are verdicts on endpoints that still show probes and are not probed any more."""

    def __init__(self) -> None:
        self.units: dict[Hashable, Unit] = {}
        self.withdrawn: dict[str, Verdict] = {}
        self._members: dict[str, Member] = {}

    def member(self, name: str) -> Member | None:
        """Return the endpoint of that name, if it is probed."""
        return self._members.get(name)

    def unit_of(self, name: str) -> Unit | None:
        """Return the unit that an endpoint is in, if it is probed."""
        member = self._members.get(name)
        return member.unit if member is not None else None

    def names(self) -> set[str]:
        """Return the names of all that is known here."""
        return {*self._members, *self.withdrawn}

    def put(self, resource: Resource) -> Member | None:
        """Take in an endpoint as it is now; None when it is not to be probed."""
        target = target_of(resource.name, resource.endpoint) if resource.endpoint is not None else None
        if target is None:
            self.remove(resource.name)
            self._note_withdrawal(resource)
            return None
        self.withdrawn.pop(resource.name, None)
        member = self._members.get(resource.name)
        if member is None or (member.uid, member.unit.key) != (resource.uid, target.key):
            member = self._add(resource, target)
        member.highest, member.interval, member.status = target.highest, target.interval, resource.status
        # Of what equal keys do not tell apart, the latest counts.
        member.unit.endpoint = target.endpoint
        return member

    def remove(self, name: str) -> None:
        """Forget an endpoint."""
        self.withdrawn.pop(name, None)
        member = self._members.pop(name, None)
        if member is not None:
            del member.unit.members[name]
            if not member.unit.members:
                del self.units[member.unit.key]

    def _add(self, resource: Resource, target: Target) -> Member:
        self.remove(resource.name)
        unit = self.units.setdefault(target.key, Unit(target))
        member = unit.members[resource.name] = self._members[resource.name] = Member(resource, target, unit)
        return member

    def _note_withdrawal(self, resource: Resource) -> None:
        if resource.status is not None and resource.status.probe is not None:
            self.withdrawn[resource.name] = Verdict(resource.name, resource.uid, None, "", None)
