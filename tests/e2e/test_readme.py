"""Every snippet of the README's tour and of the SDK's README, run as it stands there but for the ports."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.plane import Plane

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"README.md": "## The tour", "clients/python/README.md": "## Examples"}
BLOCK = re.compile(r"^### (?P<title>[^\n]+)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDED = ("grpcurl", "go")


@dataclass(frozen=True)
class Snippet:
    page: str
    title: str
    language: str
    text: str


def snippets() -> list[Snippet]:
    found, title = [], ""
    for page, heading in PARTS.items():
        part = (ROOT / page).read_text().partition(heading)[2].partition("\n## ")[0]
        for match in BLOCK.finditer(part):
            title = match["title"] or title
            if match["language"]:
                found.append(Snippet(page, title, match["language"], match["text"]))
    return found


SNIPPETS = snippets()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that looks like a checkout as far as the tour goes."""
    path = tmp_path_factory.mktemp("tour")
    (path / ".venv").symlink_to(sys.prefix)
    (path / "clients").symlink_to(ROOT / "clients")
    for snippet in SNIPPETS:
        if snippet.language == "yaml":
            (path / snippet.text.splitlines()[0].removeprefix("# ")).write_text(snippet.text)
    return path


def test_the_tour_has_a_snippet_for_every_way_in():
    tour = [snippet for snippet in SNIPPETS if snippet.page == "README.md"]
    assert {snippet.title for snippet in tour} == {
        "grpcurl",
        "CLI",
        "Python SDK",
        "Agents",
        "OpenAI SDK",
        "Anthropic SDK, Ollama SDK",
        "Other languages",
    }
    assert {snippet.language for snippet in tour} == {"sh", "yaml", "python"}


def test_the_page_of_the_sdk_has_examples():
    assert [snippet.language for snippet in SNIPPETS if snippet.page != "README.md"] == ["python"] * 4


@pytest.mark.parametrize(
    "snippet",
    [
        pytest.param(snippet, id=f"{number}-{snippet.title.replace(' ', '-')}-{snippet.language}")
        for number, snippet in enumerate(SNIPPETS)
        if snippet.language != "yaml"
    ],
)
@pytest.mark.timeout(300)
def test_the_snippet_runs(plane, folder, snippet):
    for program in NEEDED:
        if re.search(rf"(^|&& ){program} ", snippet.text, re.MULTILINE) and shutil.which(program) is None:
            pytest.skip(f"no {program} in the PATH" + " (make grpcurl builds one)" * (program == "grpcurl"))
    _use_ports(plane, folder)
    text = _pointed(plane, snippet)
    command = ["bash", "-euo", "pipefail", "-c", text] if snippet.language == "sh" else [sys.executable, "-c", text]
    done = subprocess.run(
        command, cwd=folder, env=plane.environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    assert done.stdout.strip()


def _use_ports(plane, folder):
    manifest = folder / "my-model.yaml"
    manifest.write_text(plane.placed(manifest.read_text()))


def _pointed(plane: Plane, snippet: Snippet) -> str:
    """The snippet, with the addresses that it leaves to the defaults."""
    text = plane.placed(snippet.text)
    text = re.sub(r"\bClient\(\) as", f'Client("{plane.registry}", gateway="{plane.gateway}") as', text)
    text = text.replace("RegistryClient() as", f'RegistryClient("{plane.registry}") as')
    flags = f"-registry {plane.registry} -gateway {plane.gateway} -provider http://{plane.demo}/v1"
    return text.replace("go run ./tour", f"go run ./tour {flags}")
