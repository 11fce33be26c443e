"""An answer on the terminal: the text on standard output, who gave it on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from airegistry.cli.session import Session
from airegistry.cli.values import price, safe
from airegistry.dialects.a2a.states import WAITING_WORDS
from airegistry.invocations.chat import ChatChoice, ChatDelta, FinishReason
from airegistry.invocations.content import ContentBlock
from airegistry.invocations.invocation import Attempt, InvokeEvent, InvokeResponse, Settlement
from airegistry.invocations.usage import Cost, CostState, Usage

_SHOWN_NUMBERS = 6


class Printer:
    """Writes one answer, whole or piece by piece, and remembers whether a line is open."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._open = False

    def take(self, event: InvokeEvent) -> None:
        """Write what a piece adds."""
        delta = event.chat_delta
        if delta is not None and delta.choice_index == 0:
            self._write(delta.text or delta.refusal or "")
            self._ended(delta)
        elif event.restarted is not None:
            self.end_line()
            self._session.note("the answer broke off, and starts again:", style="yellow")
        elif event.end is not None:
            self._settle(event.end.settlement)

    def whole(self, answer: InvokeResponse) -> None:
        """Write a whole answer."""
        for choice in answer.chat.choices[:1] if answer.chat is not None else ():
            for block in choice.message.content if choice.message is not None else ():
                self._write(_text(block))
            self._ended(choice)
        for embedding in answer.embeddings.embeddings if answer.embeddings is not None else ():
            numbers = ", ".join(f"{value:.4f}" for value in embedding.values[:_SHOWN_NUMBERS])
            self._write(f"{len(embedding.values)} dimensions: {numbers} …")
        self._settle(answer.settlement)

    def end_line(self) -> None:
        """End the line that the answer stands in."""
        if self._open:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._open = False

    def _write(self, text: str) -> None:
        if text:
            # A terminal obeys escape sequences, and the text is a stranger's; a file takes it as it is.
            sys.stdout.write(safe(text) if sys.stdout.isatty() else text)
            sys.stdout.flush()
            self._open = not text.endswith("\n")

    def _ended(self, end: ChatChoice | ChatDelta) -> None:
        """Say why the answer ended, where that is neither its own end nor a limit of the caller's."""
        if end.finish_reason is not FinishReason.OTHER:
            return
        self.end_line()
        waits = end.upstream_finish_reason in WAITING_WORDS
        what = "the agent waits for you" if waits else "the answer ended otherwise than usual"
        self._session.note(f"{what}: {safe(end.upstream_finish_reason)}", style="yellow")

    def _settle(self, settlement: Settlement | None) -> None:
        self.end_line()
        for line in settlement_lines(settlement) if settlement is not None else ():
            self._session.note(line)


def settlement_lines(settlement: Settlement) -> Iterator[str]:
    """Yield who answered, what it used and cost, and every attempt where there was more than one."""
    parts = [settlement.target, *_usage(settlement.usage), _cost(settlement.cost), *_times(settlement)]
    attempts = settlement.attempts
    parts.append(f"{len(attempts)} attempt{'s' if len(attempts) != 1 else ''}")
    yield " · ".join(parts)
    if len(attempts) > 1:
        yield from (f"  {attempt_line(attempt)}" for attempt in attempts)
    yield from (f"  warning: {warning.path}: {warning.message}" for warning in settlement.warnings)
    if settlement.stale:
        yield "  the gateway has not heard from the registry for a while: its view may be old"


def attempt_line(attempt: Attempt) -> str:
    """Return one attempt in words."""
    outcome = attempt.outcome.name.lower() if attempt.outcome is not None else "?"
    why = f" {attempt.error.reason}: {attempt.error.message}" if attempt.error is not None else ""
    took = f" after {attempt.duration:.2f} s" if attempt.duration is not None else ""
    return safe(f"{attempt.target}: {outcome}{took}{why}")


def _text(block: ContentBlock) -> str:
    if block.text is not None:
        return block.text.text
    return block.refusal.text if block.refusal is not None else ""


def _usage(usage: Usage | None) -> Iterator[str]:
    if usage is None:
        yield "tokens unknown"
        return
    given = [
        f"{value:,} {word}"
        for value, word in (
            (usage.input_tokens, "in"),
            (usage.cache_read_tokens, "from the cache"),
            (usage.reasoning_tokens, "reasoning"),
            (usage.output_tokens, "out"),
        )
        if value is not None
    ]
    yield f"tokens {' + '.join(given)}{' (estimated)' if usage.estimated else ''}"


def _cost(cost: Cost | None) -> str:
    if cost is None or cost.nanos is None or cost.state is None or cost.state is CostState.UNKNOWN:
        return "cost unknown"
    return f"$ {price(cost.nanos)}{' at least' if cost.state is CostState.PARTIAL else ''}"


def _times(settlement: Settlement) -> Iterator[str]:
    if settlement.duration is not None:
        first = settlement.time_to_first_token
        yield f"{settlement.duration:.2f} s" + (f" (first token {first:.2f} s)" if first is not None else "")
