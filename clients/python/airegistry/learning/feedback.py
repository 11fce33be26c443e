"""What callers say of answers afterwards."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from airegistry.errors import FieldViolation

_SAID = ("score", "accepted", "retried", "schema_valid")
_MAX_ID = 128


@dataclass(frozen=True, slots=True)
class ReportFeedbackRequest:
    """How good an answer was; None is what was not said."""

    call_id: str = ""
    score: float | None = None
    accepted: bool | None = None
    retried: bool | None = None
    schema_valid: bool | None = None

    @property
    def quality(self) -> float | None:
        """The mean of what was said, from 0 to 1; None when nothing was. To have asked again counts as 0."""
        again = None if self.retried is None else not self.retried
        said = [float(value) for value in (self.score, self.accepted, again, self.schema_valid) if value is not None]
        return sum(said) / len(said) if said else None


@dataclass(frozen=True, slots=True)
class ReportFeedbackResponse:
    """Who had given the answer, and what it counts now."""

    target: str = ""
    reward: float = 0.0


def validate_feedback(feedback: ReportFeedbackRequest) -> list[FieldViolation]:
    """Return what is wrong with a feedback; empty when nothing is."""
    violations = []
    if not 0 < len(feedback.call_id) <= _MAX_ID:
        violations.append(FieldViolation("call_id", "is required: the call_id of the call's settlement"))
    if feedback.score is not None and not 0 <= feedback.score <= 1:
        violations.append(FieldViolation("score", "must be from 0 to 1"))
    if all(getattr(feedback, name) is None for name in _SAID):
        violations.append(FieldViolation("score", f"one of {', '.join(_SAID)} must be set"))
    return violations


def merged(earlier: ReportFeedbackRequest, later: ReportFeedbackRequest) -> ReportFeedbackRequest:
    """Return *earlier* with what *later* says in its place."""
    said = {field.name: value for field in fields(later) if (value := getattr(later, field.name)) is not None}
    return replace(earlier, **said)
