"""`kserve.v2` against a real MLServer, where one is installed (docs/dialects/kserve.md)."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from airegistry import invoke
from airegistry.errors import ProviderFailedError, ProviderModelNotFoundError
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.invocation import Invocation
from airegistry.resources.endpoint import Auth, AuthMethod, Communication, CustomFormat
from airegistry.resources.route import RoutePolicy
from tests.catalogs import asked, cache_of, chat, endpoint, model
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
MLSERVER = Path(os.environ.get("TEST_MLSERVER", ROOT / ".venv-mlserver/bin/mlserver"))
OPEN = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.NONE))
VECTORS = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.NONE), custom=CustomFormat(tensors={"text": "texts"}))
MODEL = """
import json

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceResponse


class Echo(MLModel):
    async def load(self):
        return True

    def answer(self, *outputs):
        return InferenceResponse(model_name=self.name, outputs=list(outputs))

    async def predict(self, payload):
        texts = StringCodec.decode_input(payload.inputs[0])
        if payload.inputs[0].name == "texts":
            rows = [[len(text), 0.1] for text in texts]
            return self.answer(NumpyCodec.encode_output("vectors", np.array(rows, dtype=np.float32)))
        if texts[0] == "fail":
            raise RuntimeError("the model broke")
        given = {k: v for k, v in payload.parameters.model_dump().items() if k in ("max_tokens", "temperature")}
        return self.answer(StringCodec.encode_output("said", [json.dumps([texts[0], given])]))

    async def predict_stream(self, payloads):
        async for payload in payloads:
            for word in StringCodec.decode_input(payload.inputs[0])[0].split(" "):
                yield self.answer(StringCodec.encode_output("said", [word]))
"""
pytestmark = pytest.mark.skipif(not MLSERVER.exists(), reason="no MLServer is installed here")
# Tests look at fields that may be absent.
open_engine: Any = invoke.open_engine


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlserver")
    http, grpc, metrics = free_ports(3)
    (folder / "echo.py").write_text(MODEL)
    (folder / "model-settings.json").write_text(json.dumps({"name": "echo", "implementation": "echo.Echo"}))
    ports = {"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics}
    (folder / "settings.json").write_text(json.dumps({**ports, "parallel_workers": 0, "environments_dir": str(folder)}))
    log = (folder / "log").open("w")
    with log, subprocess.Popen([MLSERVER, "start", str(folder)], cwd=folder, stdout=log, stderr=log) as process:
        try:
            asyncio.run(_until_ready(grpc, folder / "log"))
            yield f"grpc://127.0.0.1:{grpc}"
        finally:
            process.terminate()


async def _until_ready(port, log):
    async with open_engine(catalog(f"grpc://127.0.0.1:{port}")) as engine:
        for _ in range(300):
            try:
                await engine.invoke(chat(policy=RoutePolicy(max_attempts=1)))
            except Exception:  # noqa: BLE001 - whatever it says while it starts
                await asyncio.sleep(0.2)
            else:
                return
    raise AssertionError(log.read_text())


def catalog(url):
    return cache_of(
        [
            model(),
            endpoint("a", url, upstream_model="echo", communication=OPEN),
            model("v"),
            endpoint("a", url, model="v", upstream_model="echo", communication=VECTORS),
            model("gone"),
            endpoint("a", url, model="gone", upstream_model="nobody", communication=OPEN),
        ]
    )


async def test_a_whole_answer_comes_back_and_no_setting_is_lost(address):
    async with open_engine(catalog(address)) as engine:
        answered = await engine.invoke(chat(chat=asked("hé 😀", max_output_tokens=7, temperature=0.25)))
    assert json.loads(answered.output.text) == ["hé 😀", {"max_tokens": 7, "temperature": "0.25"}]


async def test_a_stream_comes_word_by_word(address):
    async with open_engine(catalog(address)) as engine:
        events = [event async for batch in engine.stream(chat(chat=asked("hé 😀 there"))) for event in batch]
    assert [event.chat_delta.text for event in events if event.chat_delta and event.chat_delta.text] == [
        "hé",
        "😀",
        "there",
    ]
    assert events[-1].end is not None


async def test_texts_become_vectors(address):
    ask = Invocation(model="v", embeddings=EmbeddingsRequest(inputs=(EmbeddingInput("abc"), EmbeddingInput("d"))))
    async with open_engine(catalog(address)) as engine:
        answered = await engine.invoke(ask)
    assert [[round(x, 5) for x in one.values] for one in answered.output.embeddings] == [[3, 0.1], [1, 0.1]]


async def test_its_errors_are_ours(address):
    async with open_engine(catalog(address)) as engine:
        with pytest.raises(ProviderModelNotFoundError, match="nobody"):
            await engine.invoke(chat("gone"))
        with pytest.raises(ProviderFailedError, match="the model broke"):
            await engine.invoke(chat(chat=asked("fail"), policy=RoutePolicy(max_attempts=1)))
