"""`invoke` through a real gateway, to the demo backend and to providers that misbehave."""

import json

import pytest

from airegistry.manifests import plain
from demo_backend.cards import CHAT, EMBEDDING, EMBEDDING_DIMENSIONS
from launcher.demo import demo_resources
from tests.catalogs import endpoint, model
from tests.command_line import servers
from tests.providers import chunk, finish, ok, status, stream_head


async def escapes(peer):
    """An answer that would clear a terminal."""
    await stream_head(peer)
    await peer.event(chunk({"content": "a\x1b[2Jb"}))
    await finish(peer)


async def cut(peer):
    """An answer that ends in the middle."""
    await stream_head(peer)
    await peer.event(chunk({"content": "half an ans"}))


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    overloaded = status(503, "come back later")
    with servers(tmp_path_factory.mktemp("data"), good=ok, busy=overloaded, escapes=escapes, cut=cut) as running:
        resources = list(demo_resources(running.demo.removeprefix("http://")))
        for name, url in running.providers.items():
            resources += [model(name), endpoint("only", url, model=name)]
        resources += [
            model("twice"),
            endpoint("first", running.providers["busy"], model="twice"),
            endpoint("second", running.providers["good"], model="twice", priority=1),
        ]
        given = json.dumps([plain(resource) for resource in resources])
        assert running.data("register", "-f", "-", given=given)["created_count"] == len(resources)
        running.until_gateway_knows()
        yield running


def test_the_answer_streams_to_standard_output_and_who_gave_it_to_standard_error(running):
    result = running.run("invoke", CHAT.id, "What is a list?", "--max-tokens", "12", "--temperature", "0")
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.strip()) > 10
    assert result.stdout.endswith("\n")
    said = result.stderr.splitlines()[0]
    assert said.startswith("models/demo-ngram/endpoints/demo-backend · tokens ")
    assert " + 12 out · $ 0.00 · " in said
    assert "1 attempt" in said


def test_whole_and_streamed_answers_are_the_same(running):
    ask = ["invoke", "good", "hi"]
    assert running.run(*ask).stdout == running.run(*ask, "--no-stream").stdout == "One two three four\n"


def test_the_prompt_may_come_from_standard_input(running):
    answer = running.data("invoke", CHAT.id, "--max-tokens", "4", given="What is a dictionary?")
    assert answer["settlement"]["usage"]["output_tokens"] == 4
    assert answer["settlement"]["cost"] == {"state": "known", "usd": "0.00"}


def test_a_prompt_that_is_not_text_is_refused(running):
    result = running.run("invoke", CHAT.id, given=b"\xff\xfe")
    assert result.exit_code == 2
    assert "not UTF-8" in result.stderr


def test_text_becomes_a_vector(running):
    assert running.run("invoke", EMBEDDING.id, "lists", "--embed").stdout.startswith(
        f"{EMBEDDING_DIMENSIONS} dimensions: "
    )
    (vector,) = running.data("invoke", EMBEDDING.id, "lists", "--embed")["embeddings"]["embeddings"]
    assert len(vector["values"]) == EMBEDDING_DIMENSIONS


def test_every_attempt_is_told_when_there_was_more_than_one(running):
    result = running.run("invoke", "twice", "hi")
    assert result.stdout == "One two three four\n"
    first, *attempts = result.stderr.splitlines()
    assert "2 attempts" in first
    assert attempts[0].startswith("  models/twice/endpoints/first: error after ")
    assert "PROVIDER_OVERLOADED" in attempts[0]
    assert attempts[1].startswith("  models/twice/endpoints/second: ok after ")


@pytest.mark.parametrize("how", ["--stream", "--no-stream"])
def test_a_call_that_fails_tells_its_attempts(running, how):
    result = running.run("invoke", "busy", "hi", how)
    assert result.exit_code == 1
    assert result.stderr.startswith("PROVIDER_OVERLOADED: ")
    assert "  models/busy/endpoints/only: error after " in result.stderr
    assert result.stdout == ""


def test_an_answer_that_breaks_off_is_never_taken_for_whole(running):
    result = running.run("invoke", "cut", "hi")
    assert result.exit_code == 1
    assert result.stdout == "half an ans\n"
    assert result.stderr.startswith("TRUNCATED_ANSWER: ")


def test_a_model_that_nobody_has_is_told_with_what_to_do(running):
    result = running.run("invoke", "nobody", "hi")
    assert result.exit_code == 1
    assert result.stderr.startswith("MODEL_NOT_FOUND: ")
    assert "airegistry list models" in result.stderr


def test_a_file_gets_the_answer_as_it_is(running):
    assert running.run("invoke", "escapes", "hi").stdout == "a\x1b[2Jb\n"


def test_a_gateway_that_is_not_there_is_exit_code_3(running):
    result = running.run("invoke", "good", "hi", "--gateway", "127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stderr.splitlines()[0] == "UNAVAILABLE: no gateway answers at 127.0.0.1:1"
    assert "AIREGISTRY_GATEWAY_ADDRESS" in result.stderr


def test_a_call_that_takes_too_long_ends_at_its_timeout(running):
    result = running.run("invoke", CHAT.id, "hi", "--timeout", "0.001")
    assert result.exit_code == 3
    assert result.stderr.startswith("DEADLINE_EXCEEDED: ")
