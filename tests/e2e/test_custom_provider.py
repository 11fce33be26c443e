"""docs/custom-provider.md, followed word for word but for ports and folders, against the provider that it makes up."""

import importlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airegistry import dialects, invoke
from airegistry.errors import ContextLengthError, ProviderCredentialError, ProviderError
from airegistry.invocations.chat import FinishReason
from airegistry.manifests import read_manifests
from airegistry.resources.custom.fields import ANSWER, ERROR, VARIABLES
from airegistry.resources.custom.grammar import FILTERS
from tests.catalogs import asked, cache_of, chat, credentials
from tests.e2e.plane import Plane, plane_at

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/custom-provider.md").read_text()
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.(?:yaml|toml|py))\n")
START, KEY, *COMMANDS = [match["text"] for match in BLOCK.finditer(PAGE) if match["language"] == "sh"]
FILES = {named[1]: text for text in (match["text"] for match in BLOCK.finditer(PAGE)) if (named := FILE.match(text))}
(SCRIPT,) = [
    match["text"] for match in BLOCK.finditer(PAGE) if match["language"] == "python" and not FILE.match(match["text"])
]
USUAL_FOLDER = "~/.local/share/airegistry"
# Tests look at fields that may be absent.
open_engine: Any = invoke.open_engine
THE_KEY = {"PARROT_API_KEY": "polly-wants-a-cracker"}


@dataclass
class Followed:
    """How far the page was followed: the folder of its files, what runs, and what the commands said."""

    folder: Path
    plane: Plane
    parrot: str
    said: list[str]

    def placed(self, text: str) -> str:
        """Put the places of this test in those of the usual ones."""
        text = text.replace("127.0.0.1:4000", self.parrot).replace(USUAL_FOLDER, str(self.folder / "data"))
        return self.plane.placed(text)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.plane.environment,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def parrot():
    """The provider, started by the page's own command on a free port."""
    command = START.replace(".venv/bin/python", sys.executable).replace("4000", "0").split()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rpartition("//")[2]
        process.terminate()


@pytest.fixture(scope="module")
def followed(parrot, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / ".venv").symlink_to(sys.prefix)
    with plane_at(folder / "data") as plane:
        page = Followed(folder, plane, parrot, [])
        page.run("bash", "-euc", page.placed(KEY))
        (folder / "parrot.yaml").write_text(page.placed(FILES["parrot.yaml"]))
        page.said = [page.run(*line.split(" ", 2)[:2], *_rest(line)) for line in COMMANDS[0].splitlines()]
        yield page


def _rest(line):
    """The arguments after the command, as a shell takes them."""
    return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', line.split(" ", 2)[2])]


def test_the_command_line_gets_streamed_and_whole_answers(followed):
    registered, streamed, whole = followed.said
    assert registered.startswith("2 created")
    assert streamed.strip() == "Squawk! Who is a pretty bird?"
    assert whole.strip() == "Squawk! Who is"


def test_the_openai_sdk_gets_streamed_and_whole_answers_and_the_error(followed):
    whole, streamed, error = followed.run(sys.executable, "-c", followed.placed(SCRIPT)).splitlines()
    # 2 words of the system and 4 of the user were heard.
    assert whole == "Squawk! Polly wants a length 6"
    assert streamed == "Squawk! Polly wants a cracker"
    assert error.startswith("context_length_exceeded ")
    assert "the parrot remembers 40 words" in error


def test_the_mistake_of_the_page_is_refused_as_it_says(followed):
    wrong = followed.folder / "wrong.yaml"
    wrong.write_text(FILES["parrot.yaml"].replace("for message in messages", "for message in mesages"))
    done = subprocess.run(
        [".venv/bin/airegistry", "register", "-f", "wrong.yaml"],
        cwd=followed.folder,
        env=followed.plane.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    (shown,) = re.findall(r"refused when it is registered, with the path of its field:\n`([^`]+)`", PAGE)
    assert done.returncode != 0
    assert shown in " ".join(done.stderr.split()).replace("│ ", "")


def test_the_page_names_every_variable_every_field_and_every_filter():
    named = set(re.findall(r"[a-z_.]+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
    words = set(re.findall(r"[a-z_.]+", PAGE))
    assert named >= VARIABLES
    assert named >= ANSWER | ERROR
    assert words >= FILTERS


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package of the page, built and installed beside ours."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (*pip, package) = COMMANDS[1].replace(".venv/bin/pip", f"{sys.executable} -m pip").split()
    offline = ["--quiet", "--no-build-isolation", "--disable-pip-version-check", f"--target={tmp_path / 'site'}"]
    subprocess.run([*pip, *offline, str(tmp_path / package)], check=True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    importlib.invalidate_caches()
    dialects.get.cache_clear()
    yield
    dialects.get.cache_clear()
    sys.modules.pop("parrot_dialect", None)


def catalog(parrot, *, python):
    text = FILES["parrot.yaml"].replace("127.0.0.1:4000", parrot)
    if python:
        before, _, rest = text.partition("      dialect: custom\n")
        text = (
            f"{before}      dialect: parrot.speak\n      auth: {{method: header, parameter: x-parrot-key}}\n    prices:"
        )
        text += rest.partition("    prices:")[2]
    return cache_of(read_manifests(text))


@pytest.mark.parametrize("python", [False, True], ids=["yaml", "python"])
async def test_both_ways_give_the_same_answers_and_errors(parrot, installed, python):
    call = chat("parrot", chat=asked("hello there, old bird", max_output_tokens=3))
    async with open_engine(catalog(parrot, python=python), credentials=credentials(**THE_KEY)) as engine:
        answered = await engine.invoke(call)
        events = [event async for batch in engine.stream(call) for event in batch]
        with pytest.raises(ProviderError) as too_long:
            await engine.invoke(chat("parrot", chat=asked("blah " * 50)))
    (choice,) = answered.output.choices
    assert (answered.output.text, choice.finish_reason) == ("Squawk! hello there,", FinishReason.LENGTH)
    deltas = [event.chat_delta for event in events if event.chat_delta]
    assert [delta.text for delta in deltas if delta.text] == ["Squawk!", " hello", " there,"]
    assert deltas[-1].finish_reason is FinishReason.LENGTH
    used = events[-1].end.settlement.usage
    assert answered.settlement.usage == used
    assert (used.input_tokens, used.output_tokens) == (4, 3)
    assert answered.settlement.cost.nanos == 4 * 100 + 3 * 400
    assert isinstance(too_long.value, ContextLengthError) or python
    assert "the parrot remembers 40 words" in too_long.value.message


async def test_a_wrong_key_is_told_as_such(parrot):
    wrong = credentials(PARROT_API_KEY="seed")
    async with open_engine(catalog(parrot, python=False), credentials=wrong) as engine:
        with pytest.raises(ProviderCredentialError, match="does not know you") as raised:
            await engine.invoke(chat("parrot"))
    assert "seed" not in str(raised.value.attempts)
