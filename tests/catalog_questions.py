"""The questions of docs/discovery-questions.md, and their answers from the rows of the sources alone.

`python -m tests.catalog_questions` writes the answers into the page anew, for other versions of the sources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from airegistry.manifests.documents import parse
from airegistry.manifests.fields import read_into
from airegistry.manifests.places import Findings, Place
from airegistry.resources.requirements import DiscoverQuery, TokenMix
from tests.catalog_rows import AT, MILLION, Row, rows

PAGE = Path(__file__).resolve().parents[1] / "docs/discovery-questions.md"
SHOWN = 3
USUAL = TokenMix(input_tokens=750_000, output_tokens=250_000)

_SECTION = re.compile(r"^## (\d+)\. (.+?)\n(.*?)```yaml\n(.*?)```\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ANSWER = re.compile(r"^\| \d \| `([^`]+)`(?: in `([^`]+)`)? \| ([\d.]+|-) \|", re.MULTILINE)
_COUNT = re.compile(r"^([\d,]+) fit", re.MULTILINE)
BIG = ("openai", "anthropic", "google")


@dataclass(frozen=True)
class Question:
    """One question of the page: what is asked, and what the page answers."""

    number: int
    title: str
    query: DiscoverQuery
    answers: tuple[tuple[str, str, str], ...]
    """Provider and id, region, and dollars for the mix, of the best."""
    count: int

    @property
    def mix(self) -> TokenMix:
        """The tokens that costs are for."""
        requirements = self.query.requirements
        return (requirements.usage if requirements is not None else None) or USUAL


FITS: Mapping[int, Callable[[Row], bool]] = {
    1: lambda row: ((row.generates and row.sees) or row.mode == "ocr") and row.context >= 200_000,
    2: lambda row: row.writes_code and row.provider not in {"lemonade", "ollama"},
    3: lambda row: row.mode == "embedding",
    4: lambda row: row.mode == "embedding" and row.context >= 32_000 and row.provider in {*BIG, "cohere", "voyageai"},
    5: lambda row: row.generates and row.reasons and row.can("function_calling"),
    6: lambda row: row.generates and row.takes("audio", "audio_input"),
    7: lambda row: row.generates and row.provider == "anthropic",
    8: lambda row: row.provider == "openai" and row.can("response_schema") and row.max_output >= 100_000,
    9: lambda row: row.provider == "aws" and row.region.startswith("eu-") and row.can("function_calling"),
    10: lambda row: row.mode == "audio_speech",
    11: lambda row: row.mode == "audio_transcription" and row.provider == "groq",
    12: lambda row: row.mode == "rerank",
    13: lambda row: row.reasons and row.context >= 302_000 and row.provider in {*BIG, "x-ai"},
    14: lambda row: row.reasons and row.context >= 302_000 and row.provider in {*BIG, "x-ai"},
    15: lambda row: row.sees and row.can("function_calling") and row.provider in BIG,
    16: lambda row: row.provider == "openai",
    17: lambda row: row.writes_code and row.can("function_calling") and row.context >= 128_000,
    18: lambda row: row.generates and row.can("web_search"),
    19: lambda row: row.generates and row.takes("file", "pdf_input") and row.context >= 1_000_000,
    20: lambda row: row.generates and row.can("computer_use"),
}
"""Which rows answer a question, as its title says it."""
_TEXT = frozenset({8, 9, 13, 14, 15})
"""Only those that write text."""
_NOT_AT: Mapping[int, frozenset[str]] = {17: frozenset({"lemonade", "ollama", "openrouter"})}
_AT_MOST: Mapping[int, Decimal] = {2: Decimal(1), 15: Decimal("0.01")}
"""The most dollars that the mix may cost."""
_DEPRECATED = frozenset({16})
"""Only those that are deprecated; everywhere else, none of them."""


def questions(text: str | None = None) -> list[Question]:
    """Return what the page asks and answers."""
    found = []
    for number, title, _, query, rest in _SECTION.findall(PAGE.read_text() if text is None else text):
        findings = Findings(f"question {number}")
        (document,) = parse(query, "query")
        read = read_into(DiscoverQuery, document, Place("query", findings))
        assert read is not None
        assert findings.violations == [], findings.violations
        answers = tuple((place, region, cost) for place, region, cost in _ANSWER.findall(rest))
        (count,) = _COUNT.findall(rest) or ["0"]
        found.append(Question(int(number), title, read, answers, int(count.replace(",", ""))))
    return found


def fits(question: Question, row: Row, at: datetime) -> bool:
    """Say whether a row answers a question at a time."""
    number = question.number
    if number in _AT_MOST:
        cost = cost_of(question, row, at)
        if cost is None or cost > _AT_MOST[number]:
            return False
    if row.deprecated(at) != (number in _DEPRECATED) or (number in _TEXT and not row.generates):
        return False
    return FITS[number](row) and row.provider not in _NOT_AT.get(number, ())


def cost_of(question: Question, row: Row, at: datetime) -> Decimal | None:
    """Return what the mix of a question costs at a row, in dollars."""
    mix = question.mix
    return row.cost(at, fresh=mix.input_tokens, output=mix.output_tokens, cached=mix.cache_read_tokens)


def standing(question: Question, cost: Decimal | None) -> Decimal:
    """Return the dollars per million tokens by which a cost is ranked; an unknown one stands where 4 dollars would."""
    mix = question.mix
    tokens = mix.input_tokens + mix.output_tokens + mix.cache_read_tokens
    return Decimal(4) if cost is None else cost * MILLION / tokens


def best(question: Question, at: datetime = AT) -> list[tuple[Row, Decimal | None]]:
    """Return the rows that answer a question with what they cost, the cheapest first."""
    priced = [(row, cost_of(question, row, at)) for row in rows() if fits(question, row, at)]
    return sorted(priced, key=lambda pair: (standing(question, pair[1]), place_of(pair[0]), pair[0].region))


def written(cost: Decimal | None) -> str:
    """Return an amount as the page writes it."""
    return "-" if cost is None else f"{cost.normalize():f}"


def place_of(row: Row) -> str:
    """Return how the page names a row."""
    return f"{row.provider}/{row.id}"


def table(question: Question, places: Iterable[tuple[Row, Decimal | None]], count: int) -> str:
    """Return the answer as the page has it: who, what the mix costs, and what the sources say."""
    lines = ["| | answer | USD | genai-prices says | LiteLLM says |", "|---|---|---|---|---|"]
    mix = question.mix
    for rank, (row, cost) in enumerate(places, 1):
        genai, litellm = row.figures(AT, mix.input_tokens + mix.cache_read_tokens)
        where = f"`{place_of(row)}`" + (f" in `{row.region}`" if row.region else "")
        context = row.known.context_window if row.known is not None else None
        own = row.litellm.get("max_input_tokens")
        lines.append(
            f"| {rank} | {where} | {written(cost)} | {_figures(genai, context)} | {_figures(litellm, own, row.key)} |"
        )
    return "\n".join([*lines, "", f"{count:,} fit.", ""])


def _figures(prices: Mapping[str, Decimal], context: int | None, key: str = "") -> str:
    named = [f"`{key}`"] if key else []
    amounts = [f"{kind.replace('_', ' ')} {written(amount)}" for kind, amount in prices.items()]
    return ", ".join([*named, *amounts, *([f"holds {context:,}"] if context else [])]) or "-"


def page() -> str:
    """Return the page with the answers that the sources give now."""
    text = PAGE.read_text()
    asked = {question.number: question for question in questions(text)}

    def answered(match: re.Match[str]) -> str:
        question = asked[int(match[1])]
        found = best(question)
        head = f"## {match[1]}. {match[2]}\n{match[3]}```yaml\n{match[4]}```\n"
        return f"{head}\n{table(question, found[:SHOWN], len(found))}\n"

    return _SECTION.sub(answered, text).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
