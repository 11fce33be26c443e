"""Dialects by name: ours, and those of installed packages."""

import sys

import pytest

from airegistry import dialects
from airegistry.dialects.openai.chat import OpenAIChat
from airegistry.errors import FailedPreconditionError

PLUGINS = """
from airegistry.dialects.openai.chat import OpenAIChat

class Acme(OpenAIChat):
    name = "acme.chat"

ready = Acme()
hollow = object()
"""


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A package beside ours that offers dialects, some of them broken."""
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[airegistry.dialects]\n"
        "acme.chat = acme_dialect:Acme\n"
        "acme.ready = acme_dialect:ready\n"
        "acme.hollow = acme_dialect:hollow\n"
        "acme.gone = acme_dialect:gone\n"
        "openai.chat = acme_dialect:hollow\n"
    )
    (tmp_path / "acme_dialect.py").write_text(PLUGINS)
    monkeypatch.syspath_prepend(str(tmp_path))
    dialects.get.cache_clear()
    yield
    dialects.get.cache_clear()
    sys.modules.pop("acme_dialect", None)


@pytest.mark.parametrize("name", ["openai.chat", "openai.embeddings"])
def test_ours_know_their_names(name):
    dialect = dialects.get(name)
    assert isinstance(dialect, dialects.Dialect)
    assert dialect.name == name


def test_an_unknown_name_is_none():
    assert dialects.get("acme.nothing") is None


def test_names_lists_ours_and_those_of_packages(plugins):
    assert {"openai.chat", "openai.embeddings", "acme.chat"} <= set(dialects.names())


@pytest.mark.parametrize("name", ["acme.chat", "acme.ready"], ids=["class", "object"])
def test_a_package_adds_a_dialect(plugins, name):
    dialect = dialects.get(name)
    assert dialect is not None
    assert dialect.name == "acme.chat"


def test_a_package_cannot_replace_one_of_ours(plugins):
    assert isinstance(dialects.get("openai.chat"), OpenAIChat)


@pytest.mark.parametrize(
    ("name", "problem"), [("acme.gone", "AttributeError"), ("acme.hollow", "lacks methods")], ids=["missing", "hollow"]
)
def test_a_broken_one_says_which_package_broke_it(plugins, name, problem):
    with pytest.raises(FailedPreconditionError, match=rf"{name}.*package acme.*{problem}"):
        dialects.get(name)
