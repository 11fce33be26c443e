"""Log-probabilities of tokens, as Gemini tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airegistry.dialects import reading
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.chat import TokenLogprob


def logprobs_of(candidate: Mapping[str, Any], path: str) -> tuple[TokenLogprob, ...]:
    """Return the log-probabilities of a candidate's tokens, each with those of its rivals."""
    said = reading.nested(candidate, "logprobsResult", path)
    path = f"{path}.logprobsResult"
    chosen = reading.objects(said, "chosenCandidates", path)
    rivals = [reading.objects(top, "candidates", path) for top in reading.objects(said, "topCandidates", path)]
    if rivals and len(rivals) != len(chosen):
        raise MalformedAnswerError(f"{path} has rivals for {len(rivals)} tokens of {len(chosen)}")
    tops = rivals or [[] for _ in chosen]
    return tuple(_token(token, top, path) for token, top in zip(chosen, tops, strict=True))


def _token(token: Mapping[str, Any], top: list[Mapping[str, Any]], path: str) -> TokenLogprob:
    # A probability of 1 has the logarithm 0, which is left out on the wire.
    logprob = reading.number(token, "logProbability", path) or 0.0
    rivals = tuple(_token(rival, [], path) for rival in top)
    return TokenLogprob(reading.text(token, "token", path), float(logprob), top=rivals)
