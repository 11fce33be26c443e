"""What the documentation names is there: modules, functions, files, links, settings, metrics, commands."""

import importlib
import os
import re
from functools import cache
from pathlib import Path

import pytest
import typer
from google.protobuf import descriptor_pool

from airegistry.cli.app import build
from tools import settings_doc

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "clients/python/README.md", *ROOT.glob("tests/**/*.md")]
)
SOURCES = (ROOT, ROOT / "clients/python", ROOT / "clients/python/airegistry", ROOT / "examples")
PROGRAMS = ("airegistry", "registry", "gateway", "launcher", "demo_backend")
NOT_SETTINGS = {"AIREGISTRY_"}
ENTRY_POINTS = {"airegistry.commands", "airegistry.dialects"}
OF_USERS = {"model-config.json", "my-model.yaml"}
OF_SERVERS = {"/registry/v1/openapi.json", "/gateway/v1/openapi.json"}
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
DOTTED = re.compile(rf"(?:{'|'.join(PROGRAMS)})(?:\.\w+)+")
FILE = re.compile(r"[\w./{}-]*\w\.(?:py|proto|toml|txt|md|json|ya?ml)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def spans(page: Path) -> list[str]:
    return CODE.findall(prose(page))


each_page = pytest.mark.parametrize("page", PAGES, ids=name)


@each_page
def test_every_function_that_is_named_exists(page):
    named = {span for span in spans(page) if DOTTED.fullmatch(span) and not FILE.fullmatch(span)} - ENTRY_POINTS
    assert sorted(each for each in named if not exists(each)) == []


@each_page
def test_every_file_that_is_named_exists(page):
    named = {span for span in spans(page) if FILE.fullmatch(span)} - OF_USERS - OF_SERVERS
    assert sorted(each for each in named if not there(each, page)) == []


@each_page
def test_every_link_leads_somewhere(page):
    relative = [link for link in LINK.findall(CODE.sub("", prose(page))) if "://" not in link]
    assert [link for link in relative if not leads(link, page)] == []


@each_page
def test_every_setting_that_is_named_exists(page):
    named = set(re.findall(r"AIREGISTRY_[A-Z_]*", page.read_text())) - NOT_SETTINGS
    assert sorted(named - settings_doc.names()) == []


@each_page
def test_every_metric_that_is_named_is_made(page):
    named = set(re.findall(r"\bairegistry_[a-z_]+", page.read_text()))
    made = "".join(path.read_text() for path in ROOT.glob("*/*metrics.py"))
    made += (ROOT / "clients/python/airegistry/_rpc/metrics.py").read_text()
    assert sorted(each for each in named if f'"{each.removesuffix("_total")}"' not in made) == []


@each_page
def test_every_make_target_and_command_that_is_named_exists(page):
    said = page.read_text()
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", said)) - targets == set()
    commands = getattr(typer.main.get_command(build()), "commands", {})
    assert set(re.findall(r"`airegistry ([a-z-]+)", said)) - set(commands) == set()


def test_the_page_of_settings_is_what_the_settings_say():
    assert settings_doc.OUT.read_text() == settings_doc.page(), "run `make docs`"


def test_every_page_and_every_decision_is_in_an_index():
    for folder in (ROOT / "docs", ROOT / "docs/adr"):
        index = folder / "README.md"
        listed = {(folder / link).resolve() for link in LINK.findall(index.read_text())}
        assert {page for page in folder.glob("*.md") if page != index} - listed == set()


@cache
def exists(dotted: str) -> bool:
    if dotted.startswith("airegistry.v1."):
        return known_to_protobuf(dotted)
    parts = dotted.split(".")
    for split in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:split]))
        except ImportError:
            continue
        return has(value, parts[split:])
    return False


def has(value: object, attributes: list[str]) -> bool:
    for attribute in attributes:
        fields = getattr(value, "__dataclass_fields__", {})
        if not hasattr(value, attribute) and attribute not in fields:
            return False
        value = getattr(value, attribute, None)
    return True


def known_to_protobuf(full_name: str) -> bool:
    for path in ("registry_service", "gateway_service", "analytics_service"):
        importlib.import_module(f"airegistry.v1.{path}_pb2")
    pool = descriptor_pool.Default()
    try:
        pool.FindFileContainingSymbol(full_name)
    except KeyError:
        return False
    return True


def there(path: str, page: Path) -> bool:
    if any((source / path).exists() for source in (page.parent, *SOURCES)):
        return True
    return "/" not in path and path in file_names()


@cache
def file_names() -> frozenset[str]:
    skipped = {".git", ".venv", "build", "node_modules"}
    found: set[str] = set()
    for _, folders, files in os.walk(ROOT):
        folders[:] = [folder for folder in folders if folder not in skipped and not folder.startswith(".venv")]
        found.update(files)
    return frozenset(found)


def leads(link: str, page: Path) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


@cache
def anchors(page: Path) -> frozenset[str]:
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)
