"""When a provider says that a retry may help, in every form in use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

_RESETS: Final = ("requests", "tokens", "input-tokens", "output-tokens")
_LONGEST: Final = 30 * 86400.0
_LONGEST_TEXT: Final = 32
_EPOCH_FROM: Final = 1_000_000_000
"""A bare number from here on is a time, not a duration: in seconds it is more than 30 years."""
_EPOCH_MS_FROM: Final = 1_000_000_000_000
_LAST: Final = 253_402_300_799
"""The last second of the year 9999, beyond which datetime cannot tell the time."""

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
_PLAIN: Final = r"[0-9]+(?:\.[0-9]+)?(?:ms|us|µs|ns|d|h|m|s)"
_PIECE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|ns|d|h|m|s)")
_DURATION = re.compile(rf"(?:{_PIECE.pattern})+")
_WORDS = re.compile(
    rf"(?:try again|retry|retrying) (?:in|after) (?:(?P<number>[0-9.]+) ?seconds?|(?P<duration>(?:{_PLAIN})+))\b",
    re.IGNORECASE,
)
_LONGEST_MESSAGE: Final = 4096
_SECONDS: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def retry_after(headers: Mapping[str, str], now: datetime | None = None, *, limited: bool = True) -> float | None:
    """Return in how many seconds a retry may help, None when the provider does not say. Header names are lower case.

    Rate-limit resets stand on every answer of some providers: they count only where a limit was the reason (*limited*).

    A time is measured from the answer's own `date` header, which comes from the same clock, else from *now*, else it is
    ignored.

    `retry-after-ms` is the most exact, then `retry-after` (seconds, an HTTP date, or a duration such as `1m30s`), then the
    rate-limit resets: the latest reset among the exhausted limits, or of all when the provider does not tell which are.
    """
    now = _time(headers.get("date", "")) or now
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return min(milliseconds / 1000, _LONGEST)
    if (seconds := _wait(headers.get("retry-after"), now)) is not None:
        return seconds
    return _reset(headers, now) if limited else None


def retry_delay(details: Any) -> float | None:
    """Return the wait in the `details` of a Google error (google.rpc.RetryInfo, `"retryDelay": "34.07s"`)."""
    infos = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    delays = [one["retryDelay"] for one in infos if isinstance(one.get("retryDelay"), str)]
    return next((min(wait, _LONGEST) for delay in delays if (wait := _duration(delay.strip())) is not None), None)


def wait_in_words(message: str) -> float | None:
    """Return the wait that a message names, as in "Please try again in 1m26.4s" or "retry after 26 seconds"."""
    found = _WORDS.search(message[:_LONGEST_MESSAGE])
    if found is None:
        return None
    wait = _number(found["number"]) if found["number"] else _duration(found["duration"])
    return None if wait is None else min(wait, _LONGEST)


def _reset(headers: Mapping[str, str], now: datetime | None) -> float | None:
    exhausted: list[float] = []
    others: list[float] = []
    for prefix in ("x-ratelimit", "anthropic-ratelimit", "ratelimit"):
        for suffix in ("", *(f"-{what}" for what in _RESETS)):
            # `x-ratelimit-reset-tokens` with OpenAI, `anthropic-ratelimit-tokens-reset` with Anthropic.
            for reset, remaining in (
                (f"{prefix}-reset{suffix}", f"{prefix}-remaining{suffix}"),
                (f"{prefix}{suffix}-reset", f"{prefix}{suffix}-remaining"),
            ):
                if (wait := _wait(headers.get(reset), now)) is not None:
                    (exhausted if _number(headers.get(remaining)) == 0 else others).append(wait)
    waits = exhausted or others
    return max(waits) if waits else None


def _wait(value: str | None, now: datetime | None) -> float | None:
    """Read seconds, a duration, seconds or milliseconds since the epoch, an HTTP date or an RFC 3339 time."""
    if not value or not (value := value.strip()):
        return None
    seconds = _number(value)
    if seconds is None:
        seconds = _duration(value)
    if seconds is None or seconds >= _EPOCH_FROM:
        time = _time(value) if seconds is None else _since_epoch(seconds)
        seconds = None if time is None or now is None else (time - now).total_seconds()
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST)


def _since_epoch(count: float) -> datetime:
    return datetime.fromtimestamp(min(count / 1000 if count >= _EPOCH_MS_FROM else count, _LAST), UTC)


def _number(value: str | None) -> float | None:
    # Bounded, so that no header makes a number too large to be one.
    if value is None or len(value) > _LONGEST_TEXT or not _NUMBER.fullmatch(value.strip()):
        return None
    return float(value)


def _duration(value: str) -> float | None:
    if len(value) > _LONGEST_TEXT or not _DURATION.fullmatch(value):
        return None
    return sum(float(count) * _SECONDS[unit] for count, unit in _PIECE.findall(value))


def _time(value: str) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            time = parse(value)
        except ValueError:
            continue
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return None
