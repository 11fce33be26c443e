import pytest

from airegistry.cli.failures import lines
from airegistry.cli.session import Session
from airegistry.errors import NoCandidateError

SESSION = Session("127.0.0.1:1", "127.0.0.1:2")


def told(error):
    return "\n".join(lines(SESSION, "gateway", error))


@pytest.mark.parametrize(
    ("excluded", "advised"),
    [
        ({}, True),
        ({"credential": "1"}, True),
        ({"breaker": "1"}, False),
        ({"breaker": "1", "credential": "2"}, False),
    ],
    ids=["nobody", "no-credential", "held-back", "held-back-and-no-credential"],
)
def test_keys_are_advised_where_only_they_are_missing(excluded, advised):
    assert ("airegistry auto-register" in told(NoCandidateError("nobody", metadata=excluded))) is advised


@pytest.mark.parametrize(
    ("wait", "said"), [(2.81681, "2.9 s"), (0.01, "0.1 s"), (30.0, "30 s")], ids=["long", "short", "even"]
)
def test_who_tries_again_when_told_is_not_too_early(wait, said):
    assert told(NoCandidateError("nobody", retry_after=wait)).endswith(f"try again in {said}")
