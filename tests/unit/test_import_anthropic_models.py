"""What Anthropic's models understand, read off their ids."""

import pytest

from airegistry.importers.anthropic_models import capabilities_of, continues_prefix, generation_of
from airegistry.importers.genai_prices import read_catalog
from airegistry.resources.endpoint import Auth, AuthMethod


@pytest.mark.parametrize(
    ("model_id", "generation"),
    [
        ("claude-v1", (1, 0)),
        ("claude-2", (2, 0)),
        ("claude-3-opus-latest", (3, 0)),
        ("claude-3-7-sonnet-20250219", (3, 7)),
        ("claude-opus-4-20250514", (4, 0)),
        ("claude-opus-4-5-20251101", (4, 5)),
        ("claude-sonnet-4-6", (4, 6)),
        ("claude-haiku-5-5", (5, 5)),
        ("claude-opus-5", (5, 0)),
        ("claude-mythos-preview", (99, 0)),
    ],
)
def test_the_generation_is_in_the_id(model_id, generation):
    assert generation_of(model_id) == generation


@pytest.mark.parametrize(
    ("model_id", "can", "continues"),
    [
        ("claude-3-opus-latest", {"sampling_parameters", "temperature_with_top_p"}, True),
        ("claude-sonnet-4-5", {"sampling_parameters", "thinking_budget", "structured_output"}, True),
        (
            "claude-opus-4-6",
            {"sampling_parameters", "thinking_budget", "adaptive_thinking", "structured_output"},
            False,
        ),
        ("claude-opus-5", {"adaptive_thinking", "structured_output", "system_turns"}, False),
        ("claude-sonnet-5-5", {"adaptive_thinking", "structured_output"}, False),
    ],
)
def test_each_generation_has_its_own_ways(model_id, can, continues):
    assert {name for name, supported in capabilities_of(model_id).items() if supported} == can
    assert continues_prefix(model_id) is continues


def test_imported_endpoints_can_be_called():
    endpoints = [r.endpoint for r in read_catalog().resources if r.endpoint is not None]
    ours = {one.upstream_model: one for one in endpoints if one.provider == "anthropic"}
    assert len(ours) > 20
    for endpoint in ours.values():
        called = endpoint.communication
        assert called is not None
        assert called.dialect == "anthropic.messages"
        assert called.auth == Auth(AuthMethod.HEADER, "x-api-key")
        assert called.continues_prefix is (continues_prefix(endpoint.upstream_model) or None)
        assert endpoint.address == "https://api.anthropic.com"
        assert endpoint.prices is not None
    assert ours["claude-opus-5"].capabilities["sampling_parameters"].supported is False
