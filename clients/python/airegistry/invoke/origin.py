"""A request as its caller wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from airegistry.errors import FieldViolation


@dataclass(frozen=True, slots=True, repr=False)
class Origin:
    """The body of a call that came in a provider's own format, so that a target of the same format gets all of it.

    The canonical request beside it says the same, as far as it can. Without a *body* only the format is known. *relay*:
    the answer of such a target goes back as the provider wrote it.
    """

    dialect: str
    body: bytes | None
    relay: bool = True
    untranslatable: tuple[FieldViolation, ...] = ()
    """What of it only a target of that format can do: no other target is asked, and the caller gets to read why."""

    def __repr__(self) -> str:
        # The body is a prompt.
        return f"Origin({self.dialect}, {len(self.body or b'')} bytes)"
