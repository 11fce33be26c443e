"""What a caller means by `model`."""

from __future__ import annotations

from airegistry.errors import AmbiguousModelError, ModelNotFoundError
from airegistry.resources.resource import Resource
from airegistry.routing.view import View

_SHOWN_LENGTH = 200
_SHOWN_MATCHES = 20


def resolve(text: str, view: View) -> Resource:
    """Return the one resource that *text* stands for.

    Raises ModelNotFoundError when nothing answers to it, and AmbiguousModelError, which lists the matches, when several do.
    """
    shown = text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
    matches = view.names.resolve(text)
    if len(matches) > 1:
        listed = ", ".join(matches[:_SHOWN_MATCHES])
        raise AmbiguousModelError(
            f"{shown!r} may mean any of {listed}; write the full name", metadata={"matches": listed}
        )
    found = view.get(matches[0]) if matches else None
    if found is None:
        raise ModelNotFoundError(f"no model, route or agent has the name {shown!r}", metadata={"model": shown})
    return found
