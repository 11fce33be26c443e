"""Requirements that nothing can satisfy together, whatever is registered.

Not here: what only happens to leave nobody today. That is an answer without candidates, and its exclusions say why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airegistry.errors import FieldViolation
from airegistry.resources.model import LifecycleStage
from airegistry.resources.requirements import CredentialRequirement, DiscoverQuery, DiscoverTarget
from airegistry.resources.validation.rules import Violations

# Facts of models and of who serves them; to an agent they are unknown for ever.
_OF_ENDPOINTS = (
    "task",
    "min_context_tokens",
    "min_output_tokens",
    "min_input_tokens",
    "quantizations",
    "dialects",
    "families",
)


def contradictions(query: DiscoverQuery, asked: Mapping[str, Any], path: str) -> Violations:
    """Yield which two fields contradict each other; *asked* are the requirements that are set, valid one by one."""
    below = f"{path}.requirements"
    yield from _of_target(query.target, asked, below)
    yield from _of_providers(asked, below)
    yield from _of_tokens(asked, below)
    yield from _of_stages(query.target, asked, below)


def _of_target(target: DiscoverTarget | None, asked: Mapping[str, Any], below: str) -> Violations:
    if target is not DiscoverTarget.AGENT:
        if "skills" in asked:
            yield FieldViolation(f"{below}.skills", "contradicts target: only agents have skills; ask for target AGENT")
        return
    for name in _OF_ENDPOINTS:
        if name in asked and not _passes(name, asked):
            yield FieldViolation(f"{below}.{name}", "contradicts target AGENT: it is a fact of models and endpoints")


def _of_providers(asked: Mapping[str, Any], below: str) -> Violations:
    wanted = asked.get("providers", ())
    if wanted and set(wanted) <= set(asked.get("excluded_providers", ())):
        yield FieldViolation(f"{below}.excluded_providers", "contradicts providers: every one of them is excluded")


def _of_tokens(asked: Mapping[str, Any], below: str) -> Violations:
    context = asked.get("min_context_tokens")
    for name in ("min_output_tokens", "min_input_tokens") if context is not None else ():
        part = asked.get(name)
        if part is not None and part > context:
            problem = f"is {part} and contradicts min_context_tokens, {context}: that counts input and output together"
            yield FieldViolation(f"{below}.{name}", problem)
    mix, longest = asked.get("usage"), asked.get("max_duration")
    # Each call of a mix that writes anything takes time.
    if longest == 0 and (mix is None or mix.output_tokens) and not _passes("max_duration", asked):
        yield FieldViolation(f"{below}.max_duration", "is 0 and contradicts usage: its output tokens take time")


def _of_stages(target: DiscoverTarget | None, asked: Mapping[str, Any], below: str) -> Violations:
    stages = asked.get("lifecycle_stages", ())
    if not stages:
        return
    if target is DiscoverTarget.AGENT:
        if LifecycleStage.ACTIVE not in stages:
            yield FieldViolation(f"{below}.lifecycle_stages", "contradicts target AGENT: agents are always ACTIVE")
    elif set(stages) == {LifecycleStage.RETIRED} and asked.get("credential") is not CredentialRequirement.ANY:
        problem = "contradicts credential: what is RETIRED cannot be invoked; ask for credential ANY to see it"
        yield FieldViolation(f"{below}.lifecycle_stages", problem)


def _passes(name: str, asked: Mapping[str, Any]) -> bool:
    """Say whether an unknown value satisfies a requirement."""
    return not {name, "*"}.isdisjoint(asked.get("allow_unknown", ()))
