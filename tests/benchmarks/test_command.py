"""The command itself: what it prints and how it ends."""

import json

from benchmarks.reference import main
from tests.benchmarks.files import DATA, written


def test_json(capsys):
    assert main(["orlib-cap", str(DATA / "orlib" / "cap61.txt"), "--variant", "ufl", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"status", "objective", "bound", "gap", "seconds"} <= set(told)
    assert told["status"] == "optimal"
    assert told["bound"] <= told["objective"] + 1e-6


def test_infeasible_ends_with_3_and_says_why(capsys):
    assert main(["cmnd", str(DATA / "cmnd" / "r01.7.dow"), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["status"], told["objective"]) == ("infeasible", None)
    assert "must arrive" in told["why"]


def test_a_limit_without_a_plan_ends_with_5(capsys):
    assert main(["orlib-pmed", str(DATA / "orlib" / "pmed1.txt"), "--time-limit", "0", "--json"]) == 5
    assert json.loads(capsys.readouterr().out)["status"] == "time_limit"


def test_names_do_not_matter(tmp_path, capsys):
    """The same bytes under a name that says nothing."""
    text = (DATA / "cmnd" / "r01.1.dow").read_text(encoding="utf-8")
    assert main(["cmnd", str(written(tmp_path, "x", text)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["objective"] == 74079


def test_bad_input_ends_with_2_and_one_line(tmp_path, capsys):
    assert main(["orlib-cap", str(tmp_path / "none.txt")]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert said.err.startswith("error: ")
    assert "none.txt" in said.err
