"""Several real catalogs in one real registry: what each adds, what it leaves to the others, and what nobody may call."""

import json
from pathlib import Path

import pytest

from tests import litellm_map
from tests.command_line import servers

SAMPLE = Path(__file__).parents[1] / "models_dev_sample.json"
GPT = "models/openai.gpt-4o"
GPT_AT_OPENAI = f"{GPT}/endpoints/openai"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with servers(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def imported(running, tmp_path_factory):
    """Import the catalogs one after the other: what each import answers, and its report."""
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    for source, *arguments in (
        ("genai-prices",),
        ("litellm", "--path", str(litellm_map.MAP)),
        ("models-dev", str(SAMPLE)),
    ):
        report = folder / source
        done = running.data("import", source, *arguments, "--report", str(report))
        found[source] = done, json.loads(report.read_text())
    return found


def test_a_second_catalog_adds_what_it_knows_and_shares_what_both_know(running, imported):
    first, second = imported["genai-prices"][0], imported["litellm"][0]
    counts = running.data("status")["planes"][0]["counts"]
    assert second["created_count"] > 7_000
    assert second["updated_count"] > 500
    assert counts["models"] + counts["endpoints"] == sum(imported[source][0]["created_count"] for source in imported)
    assert first["conflicts"] == {}
    assert counts["invocable"] == 0


def test_what_both_say_differently_is_listed_with_both_sides(imported):
    done, report = imported["litellm"]
    assert sum(done["conflicts"].values()) == len(report["conflicts"]) > 100
    assert all(reason.startswith("litellm says otherwise than genai-prices, kept: ") for reason in done["conflicts"])
    assert all("; litellm says " in conflict["detail"] for conflict in report["conflicts"])


def test_a_model_says_which_of_its_facts_are_from_whom(running, imported):
    assert imported
    model = running.data("get", GPT)["model"]
    assert model["provenance"]["source"] == "genai-prices"
    sources = {source["provenance"]["source"]: source for source in model["fact_sources"]}
    assert "capabilities.tools" in sources["litellm"]["fields"]
    assert sources["litellm"]["provenance"]["digest"].startswith("sha256:")
    assert "knowledge_time" in sources["models.dev"]["fields"]
    assert set(model["input_modalities"]) == {"text", "image", "file"}


@pytest.mark.usefixtures("imported")
def test_importing_all_of_them_again_in_any_order_changes_nothing(running):
    before = running.data("status")["planes"][0]["revision"]
    for arguments in (("models-dev", str(SAMPLE)), ("litellm", "--path", str(litellm_map.MAP)), ("genai-prices",)):
        done = running.data("import", *arguments)
        assert (done["created_count"], done["updated_count"]) == (0, 0)
    assert running.data("status")["planes"][0]["revision"] == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ("litellm", "--path", "/nowhere/map.json"), "cannot read /nowhere/map.json: no such file", id="missing"
        ),
        pytest.param(
            ("models-dev", str(litellm_map.MAP)), "is no such catalog: it has no provider with models", id="other"
        ),
    ],
)
def test_a_file_that_is_no_catalog_is_told(running, arguments, said):
    result = running.run("import", *arguments)
    assert result.exit_code in {1, 2}
    assert said in " ".join(result.stderr.split())


@pytest.mark.usefixtures("imported")
def test_another_source_is_overruled_only_when_asked_for(running, tmp_path):
    content = json.loads(SAMPLE.read_text())
    content["openai"]["models"]["gpt-4o"]["limit"]["context"] = 127_000
    (tmp_path / "api.json").write_text(json.dumps(content))
    kept = running.data("import", "models-dev", str(tmp_path / "api.json"))
    assert "models.dev says otherwise than genai-prices, kept: limits.context_tokens" in kept["conflicts"]
    assert running.data("get", GPT)["model"]["limits"]["context_tokens"] == 128_000
    taken = running.data("import", "models-dev", str(tmp_path / "api.json"), "--prevail")
    assert "models.dev says otherwise than genai-prices, replaced: limits.context_tokens" in taken["conflicts"]
    assert running.data("get", GPT)["model"]["limits"]["context_tokens"] == 127_000
