"""Whatever a provider sends, a dialect makes items of it or an error of the provider's, and nothing else."""

import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry import dialects
from airegistry.dialects.exchange import Input
from airegistry.errors import ProviderError
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.kinds import AgentTaskRequest, ImageRequest, RerankRequest

GOLDEN = Path(__file__).parents[1] / "golden"
REQUESTS: tuple[Input, ...] = (
    ChatRequest(),
    ChatRequest(choice_count=2),
    EmbeddingsRequest(inputs=(EmbeddingInput(text="a"), EmbeddingInput(text="b"))),
    ImageRequest(prompt="a"),
    RerankRequest(query="a", documents=("b", "c")),
    AgentTaskRequest(),
)
KNOWN = [dialect for name in dialects.names() if (dialect := dialects.get(name)) is not None]
SPOKEN = [
    pytest.param(dialect, request, id=f"{dialect.name}-{i}")
    for dialect in KNOWN
    for i, request in enumerate(REQUESTS)
    if dialect.speaks(request)
]
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "content-type", "x-ratelimit-reset-tokens"]), st.text())
STATUSES = st.integers(200, 599)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
)
STREAMED = [spoken for spoken in SPOKEN if isinstance(spoken.values[1], ChatRequest | AgentTaskRequest)]
each_dialect = pytest.mark.parametrize(("dialect", "asked"), SPOKEN)


@cache
def recorded(name):
    """Return what providers send in a dialect, streamed or not."""
    files = [path for path in (GOLDEN / name).glob("*") if path.suffix in (".sse", ".ndjson", ".json")]
    return sorted({path.read_bytes() for path in files}) or [b'{"error": {"message": "no"}}']


@st.composite
def damaged(draw, wire):
    """Draw bytes that were right before something was cut out of them, doubled, or put between them."""
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(wire)))
        end = draw(st.integers(start, min(len(wire), start + 40)))
        between = draw(st.binary(max_size=4) | st.just(wire[start:end] * 2) | st.just(b""))
        wire = wire[:start] + between + wire[end:]
    return wire


@st.composite
def bent(draw, wire):
    """Draw bytes that hold the JSON that was there, with another value in one place of each item."""
    return b"\n".join(draw(bent_line(line)) for line in wire.split(b"\n"))


@st.composite
def bent_line(draw, line):
    start = max(line.find(b"{"), 0)
    try:
        value = json.loads(line[start:])
    except ValueError:
        return line
    if draw(st.integers(0, 3)):
        return line
    places = list(places_of(value))
    for holder, key in places and [draw(st.sampled_from(places))]:
        holder[key] = draw(VALUES)
    return line[:start] + json.dumps(value).encode()


def places_of(value):
    """Yield where values stand in *value*: what holds them, and under which key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from places_of(inner)


@st.composite
def bodies(draw, name):
    """Draw what may come from a provider: noise, JSON, or what was right and no longer is."""
    wire = draw(st.sampled_from(recorded(name)))
    return draw(
        st.binary(max_size=60) | VALUES.map(lambda value: json.dumps(value).encode()) | damaged(wire) | bent(wire)
    )


def read(decoder, wire, cut):
    items = []
    for piece in (wire[:cut], wire[cut:]):
        if decoder.finished:
            break
        items += decoder.feed(piece)
    return items + decoder.close()


@pytest.mark.parametrize(("dialect", "asked"), STREAMED)
@given(st.data())
def test_any_stream_is_items_or_an_error_of_the_provider(dialect, asked, data):
    wire = data.draw(bodies(dialect.name))
    cut = data.draw(st.integers(0, len(wire)))
    for relay in (False, True):
        try:
            items = read(dialect.decoder(asked, relay=relay), wire, cut)
        except ProviderError:
            continue
        assert len(items) <= 2 * len(wire) + 10


@each_dialect
@given(st.data())
def test_any_body_is_an_answer_or_an_error_of_the_provider(dialect, asked, data):
    body, status, headers = data.draw(bodies(dialect.name)), data.draw(STATUSES), data.draw(HEADERS)
    try:
        answer = dialect.decode(asked, status, headers, body)
    except ProviderError:
        return
    assert answer.output is not None
    assert status < 300


@each_dialect
@given(st.data())
def test_any_error_body_is_an_error_of_the_provider_with_its_status(dialect, asked, data):
    body, status, headers = data.draw(bodies(dialect.name)), data.draw(st.integers(300, 599)), data.draw(HEADERS)
    error = dialect.error(status, headers, body)
    assert isinstance(error, ProviderError)
    assert error.http_status == status
    assert len(error.message) <= 300
