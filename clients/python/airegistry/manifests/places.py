"""Where a value stands in a manifest, and what was found wrong there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airegistry.errors import FieldViolation
from airegistry.manifests.documents import Block, Items


@dataclass
class Findings:
    """What is wrong with one source; all of it, so that a file is mended in one go."""

    source: str
    violations: list[FieldViolation] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def add(self, path: str, problem: str) -> None:
        """Note a problem, with the line of *path* or of the nearest thing around it."""
        self.violations.append(FieldViolation(path, f"{problem} ({self._where(path)})"))

    def extend(self, violations: Iterable[FieldViolation]) -> None:
        """Note what somebody else found, with lines."""
        for violation in violations:
            self.add(violation.field, violation.description)

    def _where(self, path: str) -> str:
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return f"{self.source}, line {self.lines[path]}" if path else self.source


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one value, by its path."""

    path: str
    findings: Findings

    def refuse(self, problem: str) -> None:
        """Note what is wrong here."""
        self.findings.add(self.path, problem)

    def field(self, block: Mapping[str, Any], key: str) -> Place:
        """Return the place of a field of *block*, which stands here."""
        return self._below(f"{self.path}.{key}", block.lines.get(key) if isinstance(block, Block) else None)

    def entry(self, block: Mapping[str, Any], key: str) -> Place:
        """Return the place of an entry of a map."""
        return self._below(f"{self.path}[{key}]", block.lines.get(key) if isinstance(block, Block) else None)

    def item(self, items: list[Any], index: int) -> Place:
        """Return the place of an item of a list."""
        return self._below(f"{self.path}[{index}]", items.lines[index] if isinstance(items, Items) else None)

    def _below(self, path: str, line: int | None) -> Place:
        if line is not None:
            self.findings.lines[path] = line
        return Place(path, self.findings)
