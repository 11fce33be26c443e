"""Filter expressions, compiled once and asked of many resources."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airegistry.errors import FieldViolation, InvalidArgumentError, UnsupportedFieldError
from airegistry.expressions.checked import Checked, Node, packed, unpacked
from airegistry.expressions.guarding import TooLargeError, guard
from airegistry.expressions.language import environment
from airegistry.expressions.limits import MAX_LENGTH, problems_of
from airegistry.expressions.problems import problems_in, type_in_words
from airegistry.expressions.values import Values, reads_of

if TYPE_CHECKING:
    from cel_expr_python import cel

    from airegistry.resources.resource import Resource
    from airegistry.v1 import resource_pb2

MAX_COMPILED = 512
"""Expressions that are kept compiled; beyond it, the one not asked for longest is compiled again."""


class Expression:
    """A compiled filter expression. Equal texts are one expression."""

    def __init__(self, text: str, program: cel.Expression, values: Values) -> None:
        self.text = text
        self._program = program
        self._values = values

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def holds(self, resource: Resource, model: Resource | None = None) -> bool:
        """Say whether it is true of a resource; *model* is that of an endpoint, where it is to be known.

        What is unknown, and what cannot be evaluated, does not hold.
        """
        return self._is_true(self._values.of(resource, model))

    def holds_of(self, message: resource_pb2.Resource) -> bool:
        """Say whether it is true of a resource by itself, as it travels: an endpoint without its model."""
        return self._is_true(self._values.of_message(message))

    def _is_true(self, data: dict[str, Any]) -> bool:
        try:
            answer: Any = self._program.eval(data=data).value()
        except RuntimeError:
            # It went through more elements than the library allows.
            return False
        # An error is a value too.
        return answer is True


def compile_expression(text: str, path: str) -> Expression:
    """Compile the expression that stands at a path of a request.

    Raises InvalidArgumentError naming the path, and within the expression line, column and reason.
    """
    try:
        return _compiled(text)
    except _RefusedError as error:
        raise InvalidArgumentError(violations=[FieldViolation(path, each) for each in error.problems]) from None
    except ImportError:
        problem = "filter expressions need the package cel-expr-python here: install airegistry[filters]"
        raise UnsupportedFieldError.of(path, problem) from None


class _RefusedError(Exception):
    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


@lru_cache(MAX_COMPILED)
def _compiled(text: str) -> Expression:
    if len(text) > MAX_LENGTH:
        raise _RefusedError(f"has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    language = environment()
    program = _parsed(text)
    if (kind := program.return_type().name()) != "BOOL":
        raise _RefusedError(f"must be true or false of a resource, but gives {type_in_words(kind)}")
    checked = unpacked(program.serialize())
    if problems := tuple(problems_of(checked, text, lambda node: _failure(checked, node))):
        raise _RefusedError(*problems)
    reads = reads_of(checked.expr)
    try:
        guard(checked)
    except TooLargeError:
        raise _RefusedError("is too large: it reads too many fields") from None
    return Expression(text, language.deserialize(packed(checked)), Values(reads))


def _parsed(text: str) -> cel.Expression:
    try:
        # The library takes no text that is not UTF-8; over the wire none comes.
        text.encode()
        return environment().compile(text)
    except UnicodeEncodeError:
        raise _RefusedError("is not text") from None
    except RuntimeError as error:
        raise _RefusedError(*problems_in(str(error))) from None


def _failure(checked: Checked, node: Node) -> str:
    """Evaluate a node that needs no variables; return what is wrong with it, or nothing."""
    part = type(checked)()
    part.CopyFrom(checked)
    part.expr.CopyFrom(node)
    answer = environment().deserialize(packed(part)).eval(data={})
    return str(answer.value()).partition(": ")[2] if answer.type().name() == "ERROR" else ""
