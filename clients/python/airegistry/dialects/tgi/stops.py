"""Taking off the sequence that stopped an answer, which Text Generation Inference leaves at its end and others do not."""

from __future__ import annotations

from collections.abc import Sequence


class Stops:
    """Lets text go on as soon as it cannot be the beginning of a stop sequence any more."""

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = sequences
        self._longest = max(map(len, sequences), default=0)
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next text and return what may go on."""
        if not self._longest:
            return text
        self._held += text
        keep = self._beginning()
        passed = self._held[: len(self._held) - keep]
        self._held = self._held[len(passed) :]
        return passed

    def close(self, *, stopped: bool) -> tuple[str, str]:
        """Return the rest of the text, and the sequence at its end that *stopped* it, if one did."""
        found = next((one for one in self._sequences if self._held.endswith(one)), "") if stopped else ""
        return self._held.removesuffix(found), found

    def _beginning(self) -> int:
        """Return how many characters at the end are a stop sequence, or the beginning of one."""
        for length in range(min(self._longest, len(self._held)), 0, -1):
            end = self._held[-length:]
            if any(one.startswith(end) for one in self._sequences):
                return length
        return 0
