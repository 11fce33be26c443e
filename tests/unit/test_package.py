import subprocess
import sys

import pytest
from google.protobuf import descriptor_pool

import airegistry
from airegistry._rpc.service import snake_case
from airegistry.client import Client

PURE = ["airegistry", "airegistry.errors", "airegistry.resources.validation", "airegistry.lease", "airegistry.cache"]
RPCS = [
    method.name
    for name in ("RegistryService", "GatewayService", "AnalyticsService")
    for method in descriptor_pool.Default().FindServiceByName(f"airegistry.v1.{name}").methods
]


@pytest.mark.parametrize("name", RPCS)
def test_every_rpc_has_a_client_method_that_says_what_it_does(name):
    assert getattr(Client, snake_case(name)).__doc__


@pytest.mark.parametrize("name", airegistry.__all__)
def test_every_public_name_is_there(name):
    assert getattr(airegistry, name).__name__ == name


def test_the_public_names_are_sorted_and_few():
    assert airegistry.__all__ == sorted(airegistry.__all__)
    assert len(airegistry.__all__) < 60
    assert set(airegistry.__all__) <= set(dir(airegistry))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"airegistry.*Nothing"):
        _ = airegistry.Nothing


@pytest.mark.parametrize("module", PURE)
def test_pure_modules_load_neither_grpc_nor_protobuf(module):
    code = f"import sys, {module}; print([m for m in ('grpc', 'google.protobuf', 'aiohttp', 'httptools') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["registry.app", "gateway.app"])
def test_what_serves_without_envoy_is_loaded_when_it_serves(module):
    code = f"import sys, {module}; print([m for m in ('uvicorn', 'grpc_channelz') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
