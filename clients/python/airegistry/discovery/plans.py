"""How to answer queries that differ in nothing but their numbers, found out once."""

from __future__ import annotations

from airegistry.discovery.expressions import Expression
from airegistry.discovery.filters import Filters, filters_for
from airegistry.discovery.preferences import Weights, weights_of
from airegistry.discovery.rows.rates import DEFAULT_MIX
from airegistry.discovery.sieve import Sieve
from airegistry.resources.requirements import DiscoverQuery, Requirements, TokenMix
from airegistry.resources.validation.query import surely_valid

_ANYTHING = Requirements()


class Plan:
    """What a valid query comes to but for its numbers; *asked* are the requirements that are set, `expression` the filter among them.

    One of the dialects `spoken` is needed, if there are any. `begun` is what the filters left that look at no number, as of a
    `version` of the marks; `texts` is the version of what marks there are, by which its names are no typos.
    """

    __slots__ = ("begun", "expression", "filters", "mix", "spoken", "text", "texts", "version", "weights")

    def __init__(
        self,
        query: DiscoverQuery,
        asked: tuple[str, ...],
        expression: Expression | None,
        *,
        spoken: tuple[str, ...],
        texts: int,
    ) -> None:
        requirements = query.requirements or _ANYTHING
        self.filters: Filters = filters_for(asked, spoken=bool(spoken))
        self.weights: Weights = weights_of(query)
        self.mix: TokenMix = requirements.usage or DEFAULT_MIX
        self.expression, self.text = expression, requirements.filter
        self.spoken = spoken
        self.texts = texts
        self.begun: Sieve | None = None
        self.version = 0

    def is_valid_for(self, numbers: tuple[float | None, ...], texts: int) -> bool:
        """Say whether a query with other numbers is surely as valid as the first one was."""
        return self.texts == texts and surely_valid(numbers)
