"""Whether a query can be answered at all; what is wrong with it is said field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airegistry.discovery.expressions import Compile, Expression
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.resources.requirements import DiscoverQuery
from airegistry.resources.validation.query import check_asked


def check(
    query: DiscoverQuery, asked: Mapping[str, Any], path: str, compile_filter: Compile | None
) -> Expression | None:
    """Return the compiled filter of a query, None when it has none; *path* is where the query stands.

    Raise InvalidArgumentError with every violation, UnsupportedFieldError for a filter that cannot be evaluated here.
    """
    violations = list(check_asked(query, asked, path))
    expression = None
    if "filter" in asked:
        where = f"{path}.requirements.filter"
        if compile_filter is None:
            raise UnsupportedFieldError.of(
                where, "this index evaluates no filter expressions: it was given no language"
            )
        try:
            expression = compile_filter(asked["filter"], where)
        except UnsupportedFieldError:
            raise
        except InvalidArgumentError as error:
            violations += error.violations
    if violations:
        raise InvalidArgumentError(violations=violations)
    return expression
