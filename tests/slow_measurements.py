"""What measurements are worth, slowly: the section "Measurements" of `docs/discovery.md` read for one candidate."""

import math
from datetime import timedelta

from airegistry.resources.endpoint import DeclaredPerformance, RateLimits
from airegistry.resources.resource import AgentState, Health
from airegistry.resources.route import ErrorClass

K = 20
NOT_THE_ENDPOINTS = {
    "INVALID_REQUEST",
    "CONTEXT_LENGTH",
    "CONTENT_FILTER",
    "CREDENTIAL",
    "RATE_LIMITED",
    "TASK_DECLINED",
}


def median_of(quantiles):
    """Return (count, median) of what was measured; (0, None) for nothing."""
    if quantiles is None or quantiles.count < 1 or not 0 <= quantiles.p50 < math.inf:
        return 0, None
    return quantiles.count, quantiles.p50


class Seen:
    """The windows of a performance that count at a time, by their length in seconds."""

    def __init__(self, performance, at):
        self.windows = {}
        for window in performance.windows if performance else ():
            last = window.last_time or performance.time
            if last + timedelta(seconds=window.window) > at:
                self.windows[window.window] = (window, last)
        self.at = at
        self.told, self.told_age = None, None
        if performance and performance.load is not None and performance.load_time is not None:
            age = (at - performance.load_time) / timedelta(minutes=1)
            if age < 5:
                self.told, self.told_age = performance.load, age

    def __bool__(self):
        return bool(self.windows)

    def last(self):
        return max(last for _, last in self.windows.values())

    def trust(self):
        """All until 5 minutes after the last attempt, half until 10, a quarter until 20 and so on."""
        if not self:
            return 0
        minutes = (self.at - self.last()) / timedelta(minutes=5)
        return 1 if minutes < 1 else 0.5 ** (1 + math.floor(math.log2(minutes)))

    def failures(self, window):
        """Return (attempts that say whether it works, those of them that failed)."""
        by_class = {error.error_class.name if error.error_class else "": error.count for error in window.errors}
        silent = sum(count for name, count in by_class.items() if name in NOT_THE_ENDPOINTS)
        return window.attempts - silent, sum(by_class.values()) - silent

    def limited(self, window):
        return sum(error.count for error in window.errors if error.error_class is ErrorClass.RATE_LIMITED)

    def series(self):
        """From the day to the newest five minutes."""
        return [self.windows[length][0] for length in (86_400, 1_800, 300) if length in self.windows]

    def standing(self, count_of, lengths):
        """Return the shortest of the windows with at least 20 samples, or None."""
        for length in lengths:
            if length in self.windows and count_of(self.windows[length][0]) >= K:
                return self.windows[length][0]
        return None

    def stale(self):
        return not self or self.at - self.last() >= timedelta(minutes=30)


def pull(value, samples):
    for window, count, sample in samples:
        share = count / (count + K)
        # The day draws half as far.
        value = value + (sample - value) * (share / 2 if window.window == 86_400 else share)
    return value


def nines(share):
    return 1 if share >= 1 else min(4, -math.log10(1 - share)) / 4


def soon(seconds):
    return 0.5 / (0.5 + seconds)


def fast(speed):
    return speed / (speed + 50)


def medians(windows, name, value):
    measured = [(window, *median_of(getattr(window, name))) for window in windows]
    return [(window, count, value(median)) for window, count, median in measured if count]


def exploration(seen):
    lately = max((seen.windows[length][0].attempts for length in (60, 300, 1_800) if length in seen.windows), default=0)
    return 20 / (20 + lately)


def latency(seen, declared):
    first = 0.4 if declared.time_to_first_token is None else soon(declared.time_to_first_token)
    speed = 0.4 if declared.tokens_per_second is None else fast(declared.tokens_per_second)
    series = seen.series()
    whole = medians(series, "duration", lambda seconds: 5 / (5 + seconds))
    sooner = pull(first, whole + medians(series, "time_to_first_token", soon))
    faster = pull(speed, whole + medians(series, "tokens_per_second", fast))
    base, measured = (first + speed) / 2, (sooner + faster) / 2
    return base + (measured - base) * seen.trust()


def smoothed(seen, window, declared):
    expected = 1 - 10**-1.6 if declared.reliability is None else declared.reliability
    judged, failed = seen.failures(window)
    return (K * expected + judged - failed) / (K + judged)


def reliability(seen, declared, health):
    base = 0.4 if declared.reliability is None else nines(declared.reliability)
    shares = [(each, seen.failures(each)[0], nines(smoothed(seen, each, declared))) for each in seen.series()]
    value = base + (pull(base, shares) - base) * seen.trust()
    return value / 2 if health is Health.DEGRADED else value


def load(seen, state, limits):
    idle = {None: 0.5, AgentState.AVAILABLE: 0.75}.get(state, 0)
    heeded = seen.told is not None and state in (None, AgentState.AVAILABLE)
    if heeded:
        idle += (1 - seen.told - idle) * (1 if seen.told_age < 1 else 0.5)
    minute = seen.windows[60][0] if 60 in seen.windows else None
    attempts, tokens = (minute.attempts, minute.tokens) if minute else (0, 0)
    taken = []
    if seen and limits.requests_per_minute is not None:
        taken.append(attempts / max(1, limits.requests_per_minute))
    if seen and limits.tokens_per_minute is not None and (tokens or not attempts):
        taken.append(tokens / max(1, limits.tokens_per_minute))
    if taken:
        idle = min(1 - min(1, max(taken)), idle if heeded else 1)
    for window, _ in [seen.windows[300]] if 300 in seen.windows else []:
        limited = seen.limited(window)
        idle *= 1 - limited / (max(window.attempts, limited) + K)
    return idle


def numbers(seen, declared):
    """Return what the filters compare; None is unknown."""
    found = {
        "time_to_first_token": declared.time_to_first_token,
        "tokens_per_second": declared.tokens_per_second,
        "reliability": declared.reliability,
        "duration": None,
    }
    for name in ("time_to_first_token", "tokens_per_second", "duration"):
        window = seen.standing(lambda window, name=name: median_of(getattr(window, name))[0], (300, 1_800, 86_400))
        if window and (found[name] is None or not seen.stale()):
            found[name] = getattr(window, name).p50
    window = seen.standing(lambda window: seen.failures(window)[0], (1_800, 86_400))
    if window and (declared.reliability is None or not seen.stale()):
        found["reliability"] = smoothed(seen, window, declared)
    return found


NOTHING_DECLARED, NO_LIMITS = DeclaredPerformance(), RateLimits()
