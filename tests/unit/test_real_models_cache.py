"""Where a real model is kept, and when it is made again."""

import pytest

from tools.real_models.cache import BUILDING, TRAINING, becoming, cache_folder, key, real_models


def test_a_folder_can_be_named(tmp_path):
    assert cache_folder({"REAL_MODELS_CACHE": str(tmp_path), "XDG_CACHE_HOME": "/x"}) == tmp_path


def test_else_it_is_in_the_users_cache(tmp_path):
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "airegistry/real-models"


def test_nothing_is_cached_until_both_files_are_there(tmp_path):
    wanted = real_models({"REAL_MODELS_CACHE": str(tmp_path)})
    for file in (wanted.server, wanted.model):
        assert not wanted.cached
        file.parent.mkdir()
        file.touch()
    assert wanted.cached


def test_a_key_is_of_what_its_sources_hold_and_of_nothing_else(tmp_path):
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    one.write_text("a")
    same.write_text("a")
    other.write_text("b")
    assert key([one], "x86_64") == key([same], "x86_64")
    keys = {key([one], "x86_64"), key([other], "x86_64"), key([one], "arm64"), key([one, other], "x86_64")}
    assert len(keys) == 4


def test_what_server_and_model_are_made_from_is_in_their_keys():
    names = {path.name for path in BUILDING}
    assert {"building.py", "constraints-llama-cpp.txt"} <= names
    names = {path.name for path in TRAINING}
    assert {"chat.py", "corpus.py", "fitting.py", "gguf_file.py", "llama.py", "constraints-real-models.txt"} <= names


def test_a_folder_that_was_not_filled_leaves_nothing(tmp_path):
    def fill_half():
        with becoming(tmp_path / "made") as folder:
            (folder / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fill_half()
    assert list(tmp_path.iterdir()) == []


def test_of_two_that_fill_a_folder_the_first_wins(tmp_path):
    place = tmp_path / "made"
    with becoming(place) as late:
        (late / "late").touch()
        with becoming(place) as early:
            (early / "early").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["made", "early"]
