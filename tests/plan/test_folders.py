"""Folders that change places whole, and what a writer killed in between leaves."""

import pytest

from capacity.plan import folders
from capacity.plan.folders import draft_of, exchange, put_in_place, set_aside, sweep, write_whole


def filled(folder, text):
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text(text)
    return folder


def test_two_folders_change_names(tmp_path):
    one, other = filled(tmp_path / "one", "1"), filled(tmp_path / "other", "2")
    if not exchange(one, other):
        pytest.skip("this system cannot exchange two names in one step")
    assert (one / "a.txt").read_text() == "2"
    assert (other / "a.txt").read_text() == "1"


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_draft_takes_the_place_and_nothing_is_left(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(folders, "exchange", lambda one, other: False)
    target = filled(tmp_path / "run", "old")
    put_in_place(filled(draft_of(target), "new"), target)
    assert (target / "a.txt").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_what_was_set_aside_is_read_and_put_back(tmp_path, monkeypatch):
    target = filled(tmp_path / "run", "old")
    monkeypatch.setattr(folders, "exchange", lambda one, other: False)
    draft = filled(draft_of(target), "new")
    killed = RuntimeError("killed")

    def die(self, to):
        if self == draft:
            raise killed
        return rename(self, to)

    rename = type(target).rename
    monkeypatch.setattr(folders.shutil, "rmtree", lambda *a, **k: None)
    monkeypatch.setattr(type(target), "rename", die)
    with pytest.raises(RuntimeError):
        put_in_place(draft, target)
    assert (target / "a.txt").read_text() == "old"


def test_a_killed_swap_is_healed(tmp_path):
    aside = tmp_path / ".run.old-x"
    aside.mkdir()
    filled(aside / "run", "old")
    filled(tmp_path / ".run.draft-y", "half")
    other = filled(tmp_path / ".run2.draft-z", "of another run")
    target = tmp_path / "run"
    assert (set_aside(target) / "a.txt").read_text() == "old"
    sweep(target)
    assert (target / "a.txt").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == [other.name, "run"]
    assert set_aside(target) == target


def test_a_file_is_whole_or_as_it_was(tmp_path, monkeypatch):
    write_whole(tmp_path / "f", b"one")
    monkeypatch.setattr(type(tmp_path), "replace", lambda self, to: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_whole(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
