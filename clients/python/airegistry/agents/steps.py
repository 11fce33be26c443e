"""Work for several agents as data: steps, what each waits for, and who may do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from airegistry.agents.delegating import Terms
from airegistry.agents.outcome import TaskResult
from airegistry.errors import FieldViolation, InvalidArgumentError

Results = Mapping[str, TaskResult]
MOST_STEPS = 1_000


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work.

    `by` is who may do it, in the order in which they are asked: an agent (`agents/translator`), whoever has a skill
    (`skill:translate`), or a model or route that answers in their place (`models/small`, `routes/chat`). The task is a text, in
    which `{other}` stands for the text of a step that it comes `after`, or a function of the results so far. An optional step
    may fail; its results are missing then, and who comes after it gets an empty text.
    """

    name: str
    task: str | Callable[[Results], str]
    by: tuple[str, ...]
    after: tuple[str, ...] = ()
    terms: Terms | None = None
    optional: bool = False

    def worded(self, results: Results) -> str:
        """Return the task in full."""
        if not isinstance(self.task, str):
            return self.task(results)
        text = self.task
        for name in self.after:
            text = text.replace(f"{{{name}}}", results[name].text if name in results else "")
        return text


def check(steps: Iterable[Step]) -> dict[str, Step]:
    """Return the steps by name. Raises InvalidArgumentError for what cannot be done in any order."""
    listed = list(steps)
    named = {step.name: step for step in listed}
    violations = list(_violations(listed, named))
    if violations:
        raise InvalidArgumentError(violations=violations)
    done: set[str] = set()
    while ready := [name for name, step in named.items() if name not in done and done.issuperset(step.after)]:
        done.update(ready)
    circle = [name for name in named if name not in done]
    if circle:
        raise InvalidArgumentError.of("steps", f"wait for each other: {', '.join(circle[:10])}")
    return named


def _violations(listed: list[Step], named: Mapping[str, Step]) -> Iterable[FieldViolation]:
    if not 1 <= len(listed) <= MOST_STEPS:
        yield FieldViolation("steps", f"must be 1 to {MOST_STEPS}, are {len(listed)}")
    seen: set[str] = set()
    for i, step in enumerate(listed):
        if not step.name or step.name in seen:
            yield FieldViolation(f"steps[{i}].name", "another step has it already" if step.name else "is required")
        seen.add(step.name)
        if not step.by:
            yield FieldViolation(f"steps[{i}].by", "needs at least one who may do it")
        for j, name in enumerate(step.after):
            if name not in named:
                yield FieldViolation(f"steps[{i}].after[{j}]", f"there is no step {name!r}")
