"""The pure parts of the engine: what is held back, what a route changes, what costs come to, what a credential is."""

import pytest

from airegistry.invocations.chat import ChatDelta, ChatRequest, FinishReason, Reasoning
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.invocations.usage import Cost, CostState
from airegistry.invoke.attempts.asking import overridden
from airegistry.invoke.attempts.hold_back import HoldBack
from airegistry.invoke.attempts.ledger import total
from airegistry.invoke.credentials import Credentials
from airegistry.resources.route import RequestOverrides

KNOWN, PARTIAL, UNKNOWN = CostState.KNOWN, CostState.PARTIAL, CostState.UNKNOWN
TOKEN = ChatDelta(text="x")
END = ChatDelta(finish_reason=FinishReason.STOP)


def test_without_a_wish_the_first_token_goes_on_at_once(clock):
    hold = HoldBack(0, None, clock)
    assert hold.add([]) == []
    assert hold.add([TOKEN]) == [TOKEN]
    assert hold.add([END]) == [END]


def test_what_is_no_token_waits_for_the_first(clock):
    hold = HoldBack(0, None, clock)
    assert hold.add([ChatDelta(text="")]) == []
    assert hold.add([TOKEN]) == [ChatDelta(text=""), TOKEN]


def test_so_many_tokens_are_held_back(clock):
    hold = HoldBack(2, None, clock)
    assert hold.add([TOKEN]) == []
    assert hold.add([TOKEN]) == []
    assert hold.add([TOKEN]) == [TOKEN] * 3


def test_tokens_are_held_back_for_so_long(clock):
    hold = HoldBack(0, 0.5, clock)
    assert hold.add([TOKEN]) == []
    clock.time += 0.25
    assert hold.wait == 0.25
    clock.time += 0.25
    assert hold.add([TOKEN]) == [TOKEN, TOKEN]


def test_of_both_bounds_the_first_one_counts(clock):
    hold = HoldBack(1, 60, clock)
    assert hold.add([TOKEN]) == []
    assert hold.add([TOKEN]) == [TOKEN, TOKEN]


@pytest.mark.parametrize(
    ("asked", "cap", "sent"),
    [
        pytest.param(None, 10, 10, id="nothing-asked"),
        pytest.param(5, 10, 5, id="less-asked"),
        pytest.param(50, 10, 10, id="more-asked"),
        pytest.param(50, None, 50, id="no-cap"),
    ],
)
def test_a_cap_never_raises_what_was_asked(asked, cap, sent):
    changed = overridden(ChatRequest(max_output_tokens=asked), RequestOverrides(max_output_tokens=cap))
    assert changed == ChatRequest(max_output_tokens=sent)


def test_a_route_changes_only_what_it_names():
    request = ChatRequest(temperature=1.0, reasoning=Reasoning(effort="high", max_tokens=9))
    assert overridden(request, RequestOverrides(temperature=0.0)) == ChatRequest(
        temperature=0.0, reasoning=request.reasoning
    )
    assert overridden(request, RequestOverrides(reasoning_effort="low")) == ChatRequest(
        temperature=1.0, reasoning=Reasoning(effort="low", max_tokens=9)
    )
    assert overridden(EmbeddingsRequest(), RequestOverrides(temperature=0.0)) == EmbeddingsRequest()


@pytest.mark.parametrize(
    ("costs", "sum_"),
    [
        pytest.param([], Cost(UNKNOWN), id="none"),
        pytest.param([Cost(KNOWN, 3)], Cost(KNOWN, 3), id="one"),
        pytest.param([Cost(KNOWN, 3), Cost(KNOWN, 4)], Cost(KNOWN, 7), id="several"),
        pytest.param([Cost(KNOWN, 3), Cost(UNKNOWN)], Cost(PARTIAL, 3), id="one-unknown"),
        pytest.param(
            [Cost(PARTIAL, 3, ("a",)), Cost(PARTIAL, 1, ("a", "b"))], Cost(PARTIAL, 4, ("a", "b")), id="unpriced"
        ),
        pytest.param([Cost(KNOWN, 0)], Cost(KNOWN, 0), id="free-is-not-unknown"),
    ],
)
def test_what_attempts_cost_together(costs, sum_):
    assert total(costs) == sum_


@pytest.fixture
def credentials(tmp_path, clock):
    environment = {"SOME_API_KEY": "env", "both_API_KEY": "x", "HOME": "/root", "EMPTY_TOKEN": " "}
    return Credentials(directory=tmp_path, environment=environment, now=clock)


def test_a_file_comes_before_the_environment(credentials, tmp_path):
    assert credentials.get("SOME_API_KEY").reveal() == "env"
    (tmp_path / "OTHER_API_KEY").write_text("file\n")
    assert credentials.get("OTHER_API_KEY").reveal() == "file"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("HOME", id="not-a-key"),
        pytest.param("both_API_KEY", id="not-upper-case"),
        pytest.param("EMPTY_TOKEN", id="blank"),
        pytest.param("MISSING_TOKEN", id="missing"),
        pytest.param("../secret", id="outside"),
        pytest.param("", id="empty"),
        pytest.param("folder", id="folder"),
    ],
)
def test_what_is_no_credential_has_no_value(credentials, tmp_path, name):
    (tmp_path.parent / "secret").write_text("not yours")
    (tmp_path / "folder").mkdir()
    assert credentials.get(name) is None


def test_a_value_is_remembered_for_a_moment_and_can_be_forgotten(credentials, tmp_path, clock):
    file = tmp_path / "key"
    file.write_text("old")
    assert credentials.get("key").reveal() == "old"
    file.write_text("new")
    assert credentials.get("key").reveal() == "old"
    credentials.forget("key")
    assert credentials.get("key").reveal() == "new"
    file.write_text("newer")
    clock.time += 5
    assert credentials.get("key").reveal() == "newer"


def test_ever_new_names_are_not_remembered_for_ever(credentials):
    for i in range(10_000):
        credentials.get(f"MADE_UP_{i}_API_KEY")
    assert len(credentials._known) < 5_000


def test_a_secret_shows_in_no_text(credentials):
    secret = credentials.get("SOME_API_KEY")
    assert "env" not in f"{secret} {secret!r} {[secret]}"
