"""Names as callers of Ollama write them: without a tag they mean `:latest`, and many clients add it."""

from __future__ import annotations

from typing import Final

from airegistry.errors import AmbiguousModelError, ModelNotFoundError
from airegistry.invoke import Engine
from airegistry.resources.model import Model
from airegistry.resources.resource import Resource

_LATEST: Final = ":latest"


class Names:
    """Finds what a caller means."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def known(self, text: str) -> str:
        """Return the name to invoke: *text*, or, when nothing has that name, the same with or without `:latest`."""
        for name in (text, text.removesuffix(_LATEST), f"{text}{_LATEST}"):
            try:
                self._engine.resolve(name)
            except ModelNotFoundError:
                continue
            return name
        # The engine says it in the caller's own words.
        return text

    def models(self, found: Resource) -> list[Model]:
        """Return the facts of a model, or of the models that a route names, where they are known."""
        if found.route is None:
            return [found.model] if found.model is not None else []
        names = [target.model for tier in found.route.tiers for target in tier.targets if target.model]
        return [known.model for name in names if (known := self._known(name)) is not None and known.model is not None]

    def invocable(self, text: str) -> Resource:
        """Return what *text* means, if somebody could answer for it. Raises ModelNotFoundError."""
        found = self._engine.resolve(self.known(text))
        if all(resource.name != found.name for resource in self._engine.invocable()):
            raise ModelNotFoundError(f"nobody serves {found.name}", metadata={"model": found.name})
        return found

    def _known(self, name: str) -> Resource | None:
        try:
            return self._engine.resolve(name)
        except (ModelNotFoundError, AmbiguousModelError):
            return None
