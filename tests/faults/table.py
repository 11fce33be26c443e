"""The ways in which a provider fails, and what a caller of it alone must get."""

from __future__ import annotations

from dataclasses import dataclass, replace

from airegistry.resources.route import RoutePolicy
from tests.faults import misbehaving as does
from tests.faults.misbehaving import SOME, Misbehaviour, refusing
from tests.faults.wires import WORDS, Trouble, Wire

PATIENT = RoutePolicy(first_token_timeout=5.0, idle_timeout=5.0, total_timeout=5.0)
"""For faults that are seen at once: a busy machine must not make others of them."""
HASTY = RoutePolicy(connect_timeout=1.0, first_token_timeout=1.0, idle_timeout=1.0, total_timeout=5.0)
"""For faults that only time tells, at a scale of 1 to 30: 1 s for the 30 s that are the default."""


@dataclass(frozen=True)
class Ends:
    """How a call ends that nobody else can take over: with an error, or, without a reason, with the whole answer."""

    reason: str = ""
    words: int = 0
    """How many tokens come before the error. After them nobody can take over in silence."""
    again: bool = False
    """The same provider is asked once more, while nothing was sent on or the caller can start again."""
    final: bool = False
    """The request itself was refused: nobody else is asked."""

    def asked(self, *, restarts: bool) -> int:
        """Return how many requests the provider gets."""
        return 2 if self.again and (restarts or not self.words) else 1

    def takes_over(self, *, restarts: bool) -> bool:
        """Say whether another provider is asked: nothing was sent on yet, or the caller can start again."""
        return bool(self.reason) and not self.final and (restarts or not self.words)


@dataclass(frozen=True)
class Fault:
    """One way to fail: what the provider does with each request (the last stays), and how calls of it alone end."""

    id: str
    behave: tuple[Misbehaviour, ...]
    whole: Ends
    stream: Ends
    policy: RoutePolicy = PATIENT
    spoken: bool = True
    """Whether the dialect has a part in it; else one dialect is as good as another."""

    def ends(self, wire: Wire, *, streamed: bool) -> Ends:
        """Return how a call of a provider of that dialect ends."""
        if streamed and wire.mark_needed and self.id == NO_MARK:
            return Ends("TRUNCATED_ANSWER", len(WORDS))
        return self.stream if streamed else self.whole

    def times(self, *, streamed: bool) -> RoutePolicy:
        """Return the time budgets of a call. Where tokens come before the silence, only the silence is short."""
        first = PATIENT.first_token_timeout
        return replace(self.policy, first_token_timeout=first) if streamed and self.stream.words else self.policy


SAID_AS = {
    "PROVIDER_RATE_LIMITED": ("RESOURCE_EXHAUSTED", 429),
    "PROVIDER_FAILED": ("UNAVAILABLE", 502),
    "PROVIDER_OVERLOADED": ("UNAVAILABLE", 503),
    "PROVIDER_CREDENTIAL": ("FAILED_PRECONDITION", 502),
    "PROVIDER_MODEL_NOT_FOUND": ("FAILED_PRECONDITION", 502),
    "PROVIDER_CONNECTION": ("UNAVAILABLE", 502),
    "PROVIDER_TIMEOUT": ("DEADLINE_EXCEEDED", 504),
    "PROVIDER_REJECTED": ("INVALID_ARGUMENT", 400),
    "TRUNCATED_ANSWER": ("UNAVAILABLE", 502),
    "MALFORMED_ANSWER": ("UNAVAILABLE", 502),
    "CONTEXT_LENGTH_EXCEEDED": ("INVALID_ARGUMENT", 400),
    "CONTENT_REFUSED": ("INVALID_ARGUMENT", 400),
}
"""The status of each error, over gRPC and over HTTP; after the first token the status of HTTP was 200."""
NO_MARK = "no-mark-at-the-end"
WHOLE = Ends(words=len(WORDS))
LIMITED = Ends("PROVIDER_RATE_LIMITED")
TIMED_OUT = Ends("PROVIDER_TIMEOUT")
LATER_TIMED_OUT = Ends("PROVIDER_TIMEOUT", SOME)
BROKEN = Ends("PROVIDER_CONNECTION", again=True)
UNREADABLE = Ends("PROVIDER_CONNECTION")
MALFORMED = Ends("MALFORMED_ANSWER")


def both(id_: str, behave: tuple[Misbehaviour, ...], ends: Ends, policy: RoutePolicy = PATIENT) -> Fault:
    """Return a fault that ends the same way whether the answer is streamed or not."""
    return Fault(id_, behave, ends, ends, policy)


def wordless(id_: str, behave: Misbehaviour, ends: Ends, policy: RoutePolicy = PATIENT) -> Fault:
    """Return a fault in which no word of a dialect is said."""
    return Fault(id_, (behave,), ends, ends, policy, spoken=False)


FAULTS = (
    both("429-with-retry-after", (refusing(Trouble.TOO_MANY, retry_after="7"),), LIMITED),
    both("429-without-retry-after", (refusing(Trouble.TOO_MANY),), LIMITED),
    both("500-once", (refusing(Trouble.FAILED), does.healthy), Ends(again=True)),
    both("500-for-ever", (refusing(Trouble.FAILED),), Ends("PROVIDER_FAILED", again=True)),
    both("503-for-ever", (refusing(Trouble.OVERLOADED),), Ends("PROVIDER_OVERLOADED")),
    both("401", (refusing(Trouble.BAD_KEY),), Ends("PROVIDER_CREDENTIAL")),
    both("404", (refusing(Trouble.NO_MODEL),), Ends("PROVIDER_MODEL_NOT_FOUND")),
    wordless("reset-before-headers", does.reset, BROKEN),
    wordless("silence", does.silence, TIMED_OUT, HASTY),
    wordless("headers-byte-by-byte", does.headers_byte_by_byte, TIMED_OUT, HASTY),
    both("nothing-but-headers", (does.nothing_but_headers,), TIMED_OUT, HASTY),
    both("late-first-token", (does.slow(2.0),), TIMED_OUT, HASTY),
    both("slow-first-token", (does.slow(0.1),), WHOLE),
    Fault("cut-after-40-of-60", (does.begin,), BROKEN, Ends("TRUNCATED_ANSWER", SOME)),
    Fault("cut-in-an-item", (does.cut_in_an_item,), BROKEN, Ends("TRUNCATED_ANSWER", SOME)),
    Fault("reset-in-the-middle", (does.reset_in_the_middle,), BROKEN, Ends("PROVIDER_CONNECTION", SOME, again=True)),
    Fault("stall-in-the-middle", (does.stall,), TIMED_OUT, LATER_TIMED_OUT, HASTY),
    Fault("malformed-item", (does.malformed_item,), MALFORMED, Ends("MALFORMED_ANSWER", SOME)),
    Fault(
        "error-inside",
        (does.error_inside,),
        Ends("PROVIDER_FAILED", again=True),
        Ends("PROVIDER_FAILED", SOME, again=True),
    ),
    both(NO_MARK, (does.no_mark,), WHOLE),
    both("context-length", (refusing(Trouble.TOO_LONG),), Ends("CONTEXT_LENGTH_EXCEEDED", final=True)),
    both("content-filter", (refusing(Trouble.FILTERED),), Ends("CONTENT_REFUSED", final=True)),
    both("html-error-page", (does.error_page,), Ends("PROVIDER_FAILED")),
    both("html-page", (does.page,), MALFORMED),
    both("other-content-type", (does.other_content_type,), WHOLE),
    Fault("other-kind-of-answer", (does.stream_for_whole,), MALFORMED, WHOLE),
    Fault("endless-body", (does.endless,), MALFORMED, Ends("MALFORMED_ANSWER", SOME)),
    both("endless-error-body", (does.endless_error,), Ends("PROVIDER_FAILED", again=True)),
    both("nothing-but-pings", (does.nothing_but_pings,), TIMED_OUT, HASTY),
    Fault("pings-for-tokens", (does.pings_for_tokens,), TIMED_OUT, LATER_TIMED_OUT, HASTY),
    both("gzip", (does.gzipped,), WHOLE),
    Fault("gzip-bomb", (does.bomb,), MALFORMED, Ends("MALFORMED_ANSWER", SOME)),
    both("broken-gzip", (does.broken_gzip,), MALFORMED),
    both("unknown-encoding", (does.unknown_encoding,), MALFORMED),
    both("429-in-unknown-encoding", (does.unreadable_refusal,), LIMITED),
    Fault("empty-body", (does.empty,), MALFORMED, Ends("TRUNCATED_ANSWER")),
    Fault("broken-chunk", (does.broken_chunk,), UNREADABLE, Ends("PROVIDER_CONNECTION", SOME)),
    wordless("no-http", does.no_http, UNREADABLE),
    wordless("endless-headers", does.endless_headers, UNREADABLE),
    wordless("endless-hints", does.endless_hints, TIMED_OUT, HASTY),
    wordless("another-protocol", does.another_protocol, UNREADABLE),
    wordless("redirect", does.redirect, Ends("PROVIDER_FAILED")),
)
