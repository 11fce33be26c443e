"""A request as its caller wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airegistry.errors import FieldViolation
from airegistry.invocations.invocation import Warning as FieldWarning


@dataclass(frozen=True, slots=True, repr=False)
class Origin:
    """The body of a call that came in a provider's own format, so that a target of the same format gets all of it.

    The canonical request beside it says the same, as far as it can. Without a *body* only the format is known. *relay*:
    the answer of such a target goes back as the provider wrote it. *headers* are those of the caller's that belong to the
    body (`anthropic-beta`), by lower-case names; they join those of the endpoint.
    """

    dialect: str
    body: bytes | None
    relay: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    untranslatable: tuple[FieldViolation, ...] = ()
    """What of it only a target of that format can do: no other target is asked, and the caller gets to read why."""
    lost: tuple[FieldWarning, ...] = ()
    """What of it the canonical request does not hold, for targets that do not get the body itself."""

    def __repr__(self) -> str:
        # The body is a prompt.
        return f"Origin({self.dialect}, {len(self.body or b'')} bytes)"
