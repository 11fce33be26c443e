"""ReportUsage: a report checked, what cannot count told apart, the rest counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from airegistry._rpc.call import Call
from airegistry._rpc.service import reading
from airegistry.errors import FieldViolation, InvalidArgumentError, RequestTooLargeError
from airegistry.observations.observation import RejectionReason
from airegistry.v1 import analytics_service_pb2 as pb
from registry.observations.codes import Ints
from registry.observations.delta import Delta, Target
from registry.observations.intake import Batch, Intake
from registry.observations.observations import Observations
from registry.observations.records import BatchKey
from registry.observations.tally import Bools, Columns, tallied
from registry.rpc.observed import read_columns

MAX_OBSERVATIONS = 2_000
FUTURE = 60
"""How far ahead of the registry's clock a reporter's may be, in seconds."""
LONGEST = 86_400
"""How long ago an observation may be, in seconds."""
_MIN_REPORTER, _MAX_REPORTER = 8, 128
_MICROS = 1_000_000
_MAX_NUMBER = 2**62
_UNKNOWN_TARGET = -1

_READ = reading(pb.ReportUsageRequest)


@dataclass(slots=True)
class Tally:
    """What reporters told, since the start: how many counted, were told again, were rejected, or dropped by them."""

    counted: int = 0
    replayed: int = 0
    dropped: int = 0
    rejected: Counter[RejectionReason] = field(default_factory=Counter)


class Reports:
    """The handler of ReportUsage. *catch_up* shows what other replicas registered."""

    def __init__(self, observations: Observations, intake: Intake, catch_up: Callable[[], Awaitable[object]]) -> None:
        self.tally = Tally()
        self._observations = observations
        self._intake = intake
        self._catch_up = catch_up

    async def report(self, request: bytes, _call: Call) -> pb.ReportUsageResponse:
        """Count the observations of a serialized ReportUsageRequest, unless they were counted before."""
        report = _READ(request)
        _check(report)
        now = int(self._observations.store.now() * _MICROS)
        names, columns = read_columns(report, now)
        targets = await self._find(names)
        reasons = _reasons(columns, targets, now)
        delta, count = _counting(columns, targets, reasons == 0)
        key = BatchKey(report.reporter_id, report.batch_number)
        fingerprint = blake2b(request, digest_size=16).digest()
        counted = await self._intake.submit(Batch(key, fingerprint, delta, count))
        if counted.replayed:
            self.tally.replayed += 1
            return pb.ReportUsageResponse(replayed=True, observation_epoch=counted.epoch)
        self.tally.counted += count
        self.tally.dropped += report.dropped_count
        return pb.ReportUsageResponse(counted=count, rejected=self._rejected(reasons), observation_epoch=counted.epoch)

    async def _find(self, names: Sequence[str]) -> list[tuple[Target, int] | None]:
        """Return which target each name is, and when that was created; None where there is none."""
        find = self._observations.targets.get
        found = [find(name) for name in names]
        if None in found:
            # Another replica may have registered it a moment ago.
            await self._catch_up()
            found = [find(name) for name in names]
        return found

    def _rejected(self, reasons: Ints) -> list[pb.RejectedObservations]:
        rejected = []
        for reason in RejectionReason:
            places = np.flatnonzero(reasons == reason)
            if len(places):
                self.tally.rejected[reason] += len(places)
                rejected.append(
                    pb.RejectedObservations(
                        reason=pb.RejectionReason.ValueType(reason), count=len(places), first_index=int(places[0])
                    )
                )
        return rejected


def _check(report: pb.ReportUsageRequest) -> None:
    if not _MIN_REPORTER <= len(report.reporter_id) <= _MAX_REPORTER:
        problem = f"has {len(report.reporter_id)} characters; it must have {_MIN_REPORTER} to {_MAX_REPORTER}"
        raise InvalidArgumentError.of("reporter_id", problem)
    if "\0" in report.reporter_id:
        raise InvalidArgumentError.of("reporter_id", "must not contain a zero character")
    if not 1 <= report.batch_number <= _MAX_NUMBER:
        raise InvalidArgumentError.of("batch_number", f"is {report.batch_number}; it must be at least 1")
    if report.dropped_count < 0:
        raise InvalidArgumentError.of("dropped_count", "must not be negative")
    count = len(report.observations)
    if count == 0:
        raise InvalidArgumentError.of("observations", "must have at least one element")
    if count > MAX_OBSERVATIONS:
        raise RequestTooLargeError(
            violations=[FieldViolation("observations", f"has {count}; at most {MAX_OBSERVATIONS} are taken at once")],
            metadata={"limit": str(MAX_OBSERVATIONS), "count": str(count)},
        )


def _reasons(columns: Columns, targets: Sequence[tuple[Target, int] | None], now: int) -> Ints:
    """Return for each observation why it does not count; 0 where it does."""
    created = np.array([_UNKNOWN_TARGET if one is None else one[1] for one in targets], np.int64)[columns.target]
    reasons = np.zeros(len(columns), np.int64)
    # The last one that holds is told: that there is no such target before anything about its time.
    reasons[columns.time < created] = RejectionReason.BEFORE_TARGET
    reasons[columns.time <= now - LONGEST * _MICROS] = RejectionReason.TOO_OLD
    reasons[columns.time > now + FUTURE * _MICROS] = RejectionReason.FROM_THE_FUTURE
    reasons[created == _UNKNOWN_TARGET] = RejectionReason.UNKNOWN_TARGET
    return reasons


def _counting(columns: Columns, targets: Sequence[tuple[Target, int] | None], which: Bools) -> tuple[Delta, int]:
    """Return what those that count add up to, and how many they are."""
    counting = columns if which.all() else columns.only(which)
    if not len(counting):
        return Delta(), 0
    used, places = np.unique(counting.target, return_inverse=True)
    found = [targets[place] for place in used.tolist()]
    known = [one[0] for one in found if one is not None]
    return tallied(counting.at(places), known), len(counting)
