"""Several real catalogs in one real registry: what each adds, what it leaves to the others, and what nobody may call."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices.data import providers

from tests import litellm_map
from tests.command_line import servers
from tests.providers import ok

SAMPLE = Path(__file__).parents[1] / "models_dev_sample.json"
GPT = "models/openai.gpt-4o"
GPT_AT_OPENAI = f"{GPT}/endpoints/openai"


@pytest.fixture(scope="module")
def asked():
    """The paths that a provider was asked for."""
    return []


@pytest.fixture(scope="module")
def running(tmp_path_factory, asked):
    async def answering(peer):
        asked.append(peer.path)
        await ok(peer)

    with servers(tmp_path_factory.mktemp("data"), answering=answering) as running:
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


def genai_price(provider, model):
    """What genai-prices says that a million tokens of output cost now, in dollars."""
    (info,) = (m for p in providers if p.id == provider for m in p.models if m.id == model)
    return info.get_prices(datetime.now(UTC)).output_mtok


def differences(running, *arguments):
    found = running.data("catalog", "diff", *arguments)
    return found, {(each["provider"], each["model"], each["fact"]): each["values"] for each in found["differences"]}


def test_the_real_catalogs_differ_in_ways_that_are_told_one_by_one(running):
    found, facts = differences(running, "--source", "genai-prices", str(litellm_map.MAP))
    (genai, litellm) = found["models"]
    assert (genai.split()[0], litellm.split()[0]) == ("genai-prices", "litellm")
    assert found["shared_count"] > 500
    assert sum(found["counts"].values()) == len(facts) > 100
    theirs = genai_price("deepseek", "deepseek-chat")
    ours = litellm_map.entries()["deepseek/deepseek-chat"]["output_cost_per_token"] * 10**6
    told = facts["deepseek", "deepseek-chat", "price.output_tokens"]
    assert (Decimal(told[genai]), Decimal(told[litellm])) == (theirs, ours)


def test_two_versions_of_one_catalog_are_told_apart_by_their_files(running, tmp_path):
    content = json.loads(SAMPLE.read_text())
    content["openai"]["models"]["gpt-5"]["cost"]["input"] = 1.5
    (tmp_path / "newer.json").write_text(json.dumps(content))
    found, facts = differences(running, str(SAMPLE), str(tmp_path / "newer.json"))
    assert list(facts) == [
        ("openai", "gpt-5", "price.input_tokens"),
    ]
    assert facts["openai", "gpt-5", "price.input_tokens"] == {
        "models.dev": "1.25",
        f"models.dev ({tmp_path / 'newer.json'})": "1.5",
    }
    assert found["counts"] == {"price.input_tokens": 1}


@pytest.mark.usefixtures("imported")
def test_the_registry_is_a_source_to_compare_with(running):
    _, facts = differences(
        running, "--with-registry", str(litellm_map.MAP), "--fact", "price.", "--provider", "deepseek"
    )
    told = facts["deepseek", "deepseek-chat", "price.output_tokens"]
    assert Decimal(told["registry"]) == genai_price("deepseek", "deepseek-chat")
    assert all(provider == "deepseek" and fact.startswith("price.") for provider, _, fact in facts)


def test_the_table_is_for_people_and_the_exit_code_for_scripts(running):
    both = ("catalog", "diff", str(SAMPLE), str(litellm_map.MAP))
    shown = running.run(*both, "--limit", "1")
    assert shown.exit_code == 0
    assert "github-copilot/gpt-4o" in shown.stdout
    assert "1 of 2 are shown" in shown.stderr
    assert running.run(*both, "--exit-code").exit_code == 4
    assert running.run(*both, "--exit-code", "--fact", "license").exit_code == 0
    assert running.run("catalog", "diff", str(SAMPLE)).exit_code == 2


def test_a_file_of_neither_form_is_told(running, tmp_path):
    (tmp_path / "other.json").write_text('{"a": {"b": 1}}')
    result = running.run("catalog", "diff", str(SAMPLE), str(tmp_path / "other.json"))
    assert result.exit_code == 1
    assert "has neither the form of litellm's price map nor that of models.dev" in " ".join(result.stderr.split())


def test_what_is_imported_is_listed_and_found_when_asked_for_and_never_invoked(running, asked, tmp_path):
    cost = {"input": 1, "output": 2}
    file = {
        "nearby": {
            "npm": "@ai-sdk/openai-compatible",
            "api": running.providers["answering"],
            "env": ["NEARBY_API_KEY"],
            "models": {"only-here": {"type": "chat", "cost": cost}},
        }
    }
    (tmp_path / "api.json").write_text(json.dumps(file))
    running.data("import", "models-dev", str(tmp_path / "api.json"))
    running.until_gateway_knows()
    named = "models/only-here/endpoints/nearby"
    assert running.data("get", named)["endpoint"]["address"] == running.providers["answering"]
    found = ("discover", "--task", "chat", "--model", "only-here")
    assert running.data(*found)["candidates"] == []
    (candidate,) = running.data(*found, "--any-credential")["candidates"]
    assert candidate["resource"]["name"] == named

    # A key in the environment opens nothing: an endpoint has to name it.
    refused = running.run("invoke", "only-here", "hello", NEARBY_API_KEY="k")
    assert refused.exit_code == 1
    assert "NO_CANDIDATE" in refused.stderr
    assert asked == []

    endpoint = running.data("get", named)
    endpoint["endpoint"]["communication"]["auth"] = {"method": "none"}
    running.data("register", "-f", "-", given=json.dumps(endpoint))
    running.until_gateway_knows()
    assert running.run("invoke", "only-here", "hello").exit_code == 0
    assert asked
