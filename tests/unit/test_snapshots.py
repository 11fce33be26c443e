import os

import pytest

from airegistry.resources.model import Model
from airegistry.resources.resource import Resource
from airegistry.snapshots import Snapshot, SnapshotFile

SNAPSHOT = Snapshot(
    7, "store:7", tuple(Resource(name=f"models/m{i}", revision=i, model=Model(description="ü" * i)) for i in range(50))
)


@pytest.fixture
def file(tmp_path):
    return SnapshotFile(tmp_path / "deep" / "snapshot")


def test_what_was_saved_is_loaded(file):
    file.save(SNAPSHOT)
    assert file.load() == SNAPSHOT


def test_an_empty_view_is_a_view(file):
    file.save(Snapshot(0, "", ()))
    assert file.load() == Snapshot(0, "", ())


def test_nothing_is_loaded_where_nothing_was_saved(file, caplog):
    assert file.load() is None
    assert caplog.text == ""


def test_a_file_that_was_cut_anywhere_is_ignored_with_a_warning(file, caplog):
    file.save(SNAPSHOT)
    whole = file.path.read_bytes()
    for end in [*range(0, 200, 7), len(whole) // 2, len(whole) - 1]:
        file.path.write_bytes(whole[:end])
        assert file.load() is None
    assert "ignoring the snapshot" in caplog.text


def test_a_flipped_bit_is_noticed(file):
    file.save(SNAPSHOT)
    whole = bytearray(file.path.read_bytes())
    for place in range(0, len(whole), 97):
        whole[place] ^= 1
        file.path.write_bytes(whole)
        assert file.load() is None
        whole[place] ^= 1


def test_a_save_that_fails_leaves_the_last_one_and_no_rubbish(file, monkeypatch):
    file.save(SNAPSHOT)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        file.save(Snapshot(8, "store:8", ()))
    assert file.load() == SNAPSHOT
    assert [entry.name for entry in file.path.parent.iterdir()] == ["snapshot"]


def test_what_a_killed_process_left_goes_and_what_another_writes_now_stays(file):
    file.save(SNAPSHOT)
    left, being_written = file.path.with_name(".snapshot.left"), file.path.with_name(".snapshot.now")
    for each in (left, being_written):
        each.touch()
    os.utime(left, (0, 0))
    file.save(SNAPSHOT)
    assert not left.exists()
    assert being_written.exists()
    assert file.load() == SNAPSHOT
