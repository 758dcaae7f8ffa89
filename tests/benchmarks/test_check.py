"""The check of a folder: which known optima are matched, contradicted, or left open."""

import json
import shutil

import pytest

from benchmarks.reference import main
from benchmarks.reference_check import table, verdict
from tests.benchmarks.files import DATA, written

HEAD = "instance,variant,objective,proven_optimal,file,note\n"


def folder(tmp_path, *rows):
    for name in ("r01.1", "r01.7"):
        shutil.copy(DATA / "cmnd" / f"{name}.dow", tmp_path)
    written(tmp_path, "known.csv", HEAD + "\n".join(rows) + "\n")
    return str(tmp_path)


def test_optima_and_infeasible_ones_match_and_others_are_left_out(tmp_path, capsys):
    given = folder(tmp_path, "r01.1,,74079,y,r01.1.dow,", "r01.7,cmnd,INFEASIBLE,y,r01.7.dow,", "r01.2,,1,n,gone.dow,")
    assert main(["check", "cmnd", given, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["instance"], line["verdict"]) for line in lines] == [("r01.1", "matches"), ("r01.7", "matches")]
    assert lines[0]["objective"] == pytest.approx(74079)
    assert lines[0]["bound"] == pytest.approx(74079)


def test_a_wrong_value_is_told_and_fails(tmp_path, capsys):
    given = folder(tmp_path, "r01.1,,74000,y,r01.1.dow,", "r01.7,,5,y,r01.7.dow,")
    assert main(["check", "cmnd", given]) == 1
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split("|")[-2].strip() for row in rows] == ["DIFFERS", "DIFFERS"]
    assert rows[0].split("|")[2].strip() == "74,000"


@pytest.mark.parametrize(("objective", "bound", "gap", "said"), [
    (100.0, 100.0, 0.0, "matches"), (100.0, 98.0, 0.02, "plan found, not proven"),
    (101.0, 98.0, 0.03, "plan not found"),
    (None, 98.0, None, "plan not found"), (99.0, 98.0, 0.01, "DIFFERS"), (None, 101.0, None, "DIFFERS"),
])
def test_verdicts(objective, bound, gap, said):
    assert verdict({"objective": objective, "bound": bound, "gap": gap}, False, 100.0) == said


def test_infeasible_ones_that_time_left_open():
    nothing = {"objective": None, "bound": None, "gap": None}
    assert verdict(nothing, False, None) == "not settled"
    line = {"instance": "x", "variant": "", "known": None, **nothing, "cpu_s": 2.0, "verdict": "not settled"}
    assert table([line]).splitlines()[-1] == "| x | infeasible | - | - | - | 2.0 | not settled |"


@pytest.mark.parametrize(("text", "said"), [
    (None, "known.csv: no such file"), ("instance,variant\n", "column 'objective' is missing"),
    (HEAD + "r01.1,,many,y,r01.1.dow,\n", "objective 'many' is no number"),
    (HEAD + "r01.1,,1,y,gone.dow,\n", "gone.dow: cannot be read"),
])
def test_bad_lists_are_told(tmp_path, capsys, text, said):
    if text is not None:
        written(tmp_path, "known.csv", text)
    assert main(["check", "cmnd", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
