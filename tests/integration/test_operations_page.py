"""docs/operations.md describes what a running registry shows."""

import asyncio
import re
import urllib.request
from pathlib import Path

import yaml

from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.model_pb2 import Model
from airegistry.v1.resource_pb2 import Resource

ROOT = Path(__file__).resolve().parents[2]


async def shown(address):
    def get():
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
            return response.read().decode()

    page = await asyncio.to_thread(get)
    return set(re.findall(r"^# TYPE (airegistry_\w+) ", page, re.MULTILINE))


def described():
    return set(re.findall(r"^\| `(airegistry_\w+)", (ROOT / "docs/operations.md").read_text(), re.MULTILINE))


async def test_every_metric_of_the_registry_has_a_line_and_every_line_a_metric(running):
    async with running() as r:
        # Without resources there is nothing to count by kind.
        await r.stub.Register(pb.RegisterRequest(resources=[Resource(name="models/m", model=Model())]))
        made = await shown(r.registry.http_address)
    assert len(made) > 20
    assert described() == made


async def test_alerts_about_the_registry_are_on_metrics_that_it_shows(running):
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"airegistry_\w+", rule["expr"])}
    of_the_gateway = {"airegistry_view_stale"}
    async with running() as r:
        made = await shown(r.registry.http_address)
    assert named - of_the_gateway <= made
    assert len(named) > 8
