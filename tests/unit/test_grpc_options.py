"""gRPC takes any option and ignores what it does not know: a name that is wrong by a letter sets nothing."""

import mmap
import re
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import grpc
import pytest

LIBRARY = Path(grpc.__file__).parent / "_cython" / f"cygrpc{EXTENSION_SUFFIXES[0]}"
ROOT = Path(__file__).parents[2]
SOURCES = ("clients/python/airegistry", "registry", "gateway", "launcher", "benchmarks")
NAMES = sorted(
    {
        name
        for source in SOURCES
        for file in (ROOT / source).rglob("*.py")
        for name in re.findall(r"""\("(grpc\.(?!reflection)[a-z_.0-9]+)", """, file.read_text())
    }
)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_ours_is_one_that_grpc_knows(name):
    with LIBRARY.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as library:
        assert library.find(name.encode() + b"\0") >= 0


def test_the_options_are_found():
    assert {"grpc.keepalive_time_ms", "grpc.service_config", "grpc.enable_retries"} <= set(NAMES)
