"""What the page about agents writes down is what the code takes and does."""

import re
from pathlib import Path

from airegistry.agents.work import METHODS
from airegistry.dialects.a2a.dialect import A2A
from airegistry.invocations.kinds import AgentTaskState
from airegistry.manifests import read_manifests
from airegistry.resources.calling import endpoint_of
from airegistry.resources.prices import PriceBucket
from airegistry.resources.validation import validate
from tests.catalogs import asked

PAGE = (Path(__file__).parents[2] / "docs" / "agents.md").read_text()


def test_the_agent_that_is_written_down_is_one_that_can_be_called():
    (written,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (resource,) = read_manifests(written)
    assert validate(resource, path="resource") == []
    agent = resource.agent
    assert agent is not None
    assert agent.prices is not None
    assert agent.prices.schedules[0].prices[0].bucket is PriceBucket.AGENT_TASKS
    endpoint = endpoint_of(agent)
    assert endpoint.address == "grpcs://translator.example:443"
    assert endpoint.rate_limits is not None
    assert endpoint.rate_limits.max_concurrent_requests == 8
    call = A2A().encode(asked(), endpoint, stream=False).call
    assert call.stream
    assert call.headers["a2a-version"] == "1.0"


def test_every_state_and_every_name_of_a_method_is_on_the_page():
    assert [state.name for state in AgentTaskState if state.name not in PAGE] == []
    assert [name for name in METHODS if f"`{name}`" not in PAGE] == []
