"""What an expression must not do: cost without bound, or hide a mistake until it is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from airegistry.expressions.checked import Checked, Node, parts_of, positions
from airegistry.expressions.guarding import nodes
from airegistry.expressions.problems import place_of

MAX_LENGTH = 2_000
"""Characters of an expression."""

_MATCHES = "matches"
# What turns text into a value, and fails for a text that is none.
_CONVERSIONS = frozenset({"timestamp", "duration", "int", "uint", "double", "bool"})

Fails = Callable[[Node], str]
"""Evaluates a node by itself; returns what is wrong with it, or nothing."""


def problems_of(checked: Checked, text: str, fails: Fails) -> Iterator[str]:
    """Yield what is refused in a checked expression, each with its place."""
    at = positions(checked)
    for node, problem in _problems(checked.expr, fails):
        yield f"{place_of(text, at.get(node.id, 0))}{problem}"


def _problems(root: Node, fails: Fails) -> Iterator[tuple[Node, str]]:
    for node in nodes(root):
        kind = node.WhichOneof("kind")
        if kind == "comprehension_expr" and (inner := _multiplied(node)) is not None:
            yield inner, "a loop inside of a loop must go over a part of what the outer one goes over"
        elif kind == "call_expr" and (problem := _call_problem(node, fails)):
            yield node, problem


def _call_problem(node: Node, fails: Fails) -> str:
    function = node.call_expr.function
    if function == "dyn":
        return "dyn() is not available: it would hide the types of fields"
    if function == _MATCHES:
        return _pattern_problem(node, fails)
    constant = all(part.WhichOneof("kind") == "const_expr" for part in parts_of(node))
    return fails(node) if constant and function in _CONVERSIONS else ""


def _pattern_problem(node: Node, fails: Fails) -> str:
    """Try a pattern on an empty text: one that cannot be compiled fails whatever it is matched with."""
    *_, pattern = parts_of(node)
    if pattern.WhichOneof("kind") != "const_expr":
        return "the pattern of matches() must be written out"
    trial = type(node)(id=node.id)
    trial.call_expr.function = _MATCHES
    trial.call_expr.target.const_expr.string_value = ""
    trial.call_expr.args.add().CopyFrom(pattern)
    return fails(trial)


def _multiplied(outer: Node) -> Node | None:
    """Return a loop below *outer* that goes over something else than the outer one's elements: its cost multiplies."""
    variable = outer.comprehension_expr.iter_var
    for part in parts_of(outer):
        # The range of the outer loop is gone through before the loop begins.
        if part == outer.comprehension_expr.iter_range:
            continue
        for node in nodes(part):
            if node.WhichOneof("kind") == "comprehension_expr" and _root(node) != variable:
                return node
    return None


def _root(loop: Node) -> str:
    """Return the variable in which the range of a loop begins; empty when it is no chain of reads from one."""
    node = loop.comprehension_expr.iter_range
    while node.WhichOneof("kind") == "select_expr":
        node = node.select_expr.operand
    return str(node.ident_expr.name) if node.WhichOneof("kind") == "ident_expr" else ""
