"""What an Ollama lists, as models and endpoints."""

import json
from typing import Any

import pytest

from airegistry import dialects
from airegistry.importers.merge import merge
from airegistry.importers.ollama import MAX_MODELS, to_catalog
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint
from airegistry.resources.model import Capability, Modality, Model, ModelLimits
from airegistry.resources.resource import Resource
from airegistry.resources.validation import validate

URL = "http://127.0.0.1:11434"
# The shape that the API's documentation shows.
LLAMA: dict[str, Any] = {
    "name": "llama3:8b",
    "model": "llama3:8b",
    "modified_at": "2025-05-10T08:06:48.639712648-07:00",
    "size": 4683075271,
    "digest": "365c0bd3c000a25d28ddbf732fe1c6add414de7275464c4e4d1c3b5fcb5d8ad1",
    "details": {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "8.0B",
        "quantization_level": "Q4_0",
    },
}
EMBED: dict[str, Any] = {
    "name": "nomic-embed-text:latest",
    "details": {
        "family": "nomic-bert",
        "families": ["nomic-bert"],
        "parameter_size": "137M",
        "quantization_level": "F16",
    },
}


def tags(*models: object) -> bytes:
    return json.dumps({"models": models}).encode()


def test_a_model_is_called_in_ollamas_own_format_without_a_key():
    model, endpoint = to_catalog(tags(LLAMA), f"{URL}/").resources
    assert (model.name, endpoint.name) == ("models/llama3-8b", "models/llama3-8b/endpoints/ollama")
    assert model.model is not None
    assert endpoint.endpoint is not None
    assert model.model.original_ids == ("llama3:8b",)
    assert model.model.parameter_count == 8_000_000_000
    assert endpoint.endpoint.address == URL
    assert endpoint.endpoint.upstream_model == "llama3:8b"
    assert endpoint.endpoint.communication == Communication(dialect="ollama.chat", auth=Auth(AuthMethod.NONE))
    assert endpoint.endpoint.quantization == "q4_0"
    assert endpoint.endpoint.prices is None


def test_what_is_found_can_be_asked():
    for entry, request in (
        (LLAMA, ChatRequest(messages=(Message(Role.USER, (ContentBlock(text=TextBlock("Hi")),)),))),
        (EMBED, EmbeddingsRequest((EmbeddingInput(text="Hi"),))),
    ):
        _, found = to_catalog(tags(entry), URL).resources
        assert found.endpoint is not None
        assert found.endpoint.communication is not None
        dialect = dialects.get(found.endpoint.communication.dialect)
        assert dialect is not None
        assert dialect.speaks(request)
        call: Any = dialect.encode(request, found.endpoint, stream=False).call
        assert call.url in (f"{URL}/api/chat", f"{URL}/api/embed")
        assert json.loads(call.body)["model"] == entry["name"]


@pytest.mark.parametrize(
    "entry",
    [
        EMBED,
        {"name": "mxbai-embed-large", "details": {"family": "bert", "families": None}},
        {"name": "qwen3-embedding:0.6b", "details": {"family": "qwen3"}},
        {"name": "all-minilm", "details": {"families": ["xlm-roberta-bert"]}},
        {"name": "mine", "details": {"family": "llama"}, "capabilities": ["embedding"]},
    ],
    ids=["nomic", "mxbai", "qwen3", "minilm", "told"],
)
def test_what_embeds_is_told_from_what_chats(entry):
    model, endpoint = to_catalog(tags(entry), URL).resources
    assert model.model is not None
    assert endpoint.endpoint is not None
    assert endpoint.endpoint.communication is not None
    assert model.model.tasks == ("feature-extraction",)
    assert model.model.output_modalities == (Modality.EMBEDDING,)
    assert endpoint.endpoint.communication.dialect == "ollama.embed"


def test_what_a_newer_server_tells_is_kept():
    details = {**LLAMA["details"], "context_length": 131072, "embedding_length": 4096}
    entry = {**LLAMA, "details": details, "capabilities": ["completion", "vision", "tools", "thinking", 3]}
    model, _ = to_catalog(tags(entry), URL).resources
    assert model.model is not None
    assert model.model.input_modalities == (Modality.TEXT, Modality.IMAGE)
    assert model.model.capabilities == {"tools": Capability(supported=True), "reasoning": Capability(supported=True)}
    assert model.model.limits == ModelLimits(context_tokens=131072)
    embeds, _ = to_catalog(tags({**EMBED, "details": {**EMBED["details"], "embedding_length": 768}}), URL).resources
    assert embeds.model is not None
    assert embeds.model.limits == ModelLimits(embedding_dimensions=768)


def test_everything_keeps_the_rules_of_the_contract():
    catalog = to_catalog(tags(LLAMA, EMBED, {"name": "hf.co/Org/Model-GGUF:Q4_K_M", "details": None}), URL)
    assert [violation for resource in catalog.resources for violation in validate(resource, path="")] == []


def test_an_id_that_is_another_models_gets_the_provider_in_front():
    taken = {"models/llama3-8b": Resource(name="models/llama3-8b", model=Model())}
    catalog = to_catalog(tags(LLAMA), URL, taken)
    assert catalog.resources[0].name == "models/ollama.llama3-8b"
    assert catalog.notes[0].detail == "got ollama.llama3-8b"
    own = taken | {"models/llama3-8b/endpoints/ollama": Resource(endpoint=Endpoint())}
    assert to_catalog(tags(LLAMA), URL, own).resources[0].name == "models/llama3-8b"


def test_no_models_is_an_empty_catalog():
    assert to_catalog(tags(), URL).resources == ()


def test_an_entry_without_a_name_is_left_out_and_noted():
    catalog = to_catalog(tags({"size": 1}, "llama", LLAMA), URL)
    assert len(catalog.resources) == 2
    assert [note.reason for note in catalog.notes] == ["has no name", "has no name"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>", id="html"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b'{"error": "no"}', id="an-error"),
        pytest.param(b'{"models": {}}', id="no-list"),
        pytest.param(b"\xff", id="not-text"),
        pytest.param(tags(*[LLAMA] * (MAX_MODELS + 1)), id="too-many"),
    ],
)
def test_an_answer_that_is_none_is_refused(body):
    with pytest.raises(ValueError, match="the answer"):
        to_catalog(body, URL)


def test_one_that_was_registered_by_its_openai_front_is_moved():
    _, found = to_catalog(tags(LLAMA), URL).resources
    older = Endpoint(
        provider="ollama",
        address=f"{URL}/v1",
        upstream_model="llama3:8b",
        communication=Communication(dialect="openai.chat", auth=Auth(AuthMethod.NONE)),
        weight=3,
    )
    moved = merge(found, Resource(name=found.name, endpoint=older)).endpoint
    assert moved is not None
    assert moved.communication is not None
    assert (moved.address, moved.communication.dialect, moved.weight) == (URL, "ollama.chat", 3)
