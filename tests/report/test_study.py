"""Pages of studies: every kind of answer drawn, kept and read back; one file, well-formed, that fetches nothing."""

import math
import re
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.report.answers import DRAWN
from capacity.report.study import is_study, write_answers, write_study
from capacity.report.study_charts import dots, tornado
from capacity.studies.answer import KINDS, Answer, answers_of, keep_answer

INPUTS = pd.DataFrame({"input": ["price", "rate", "lost"], "low": ["x0.5", "7 %", "1"], "high": ["x2", "9 %", "2"],
                       "at_low": [80.0, 101.0, math.nan], "at_high": [130.0, 99.0, 105.0],
                       "swing": [50.0, 2.0, math.nan], "decided": [True, False, False],
                       "source": ["prices.csv", "constants.csv", "a <b>"], "base": [100.0] * 3})
ANSWERS = {
    "tornado": Answer("tornado", "What one input moves", {"inputs": INPUTS}, "cost_musd"),
    "morris": Answer("morris", "Which matter", {"inputs": pd.DataFrame({
        "input": ["price", "rate"], "effect": [50.0, 2.0], "signed": [50.0, -2.0], "spread": [4.0, 1.0],
        "confidence": [5.0, 0.5]})}, "cost_musd"),
    "sobol": Answer("sobol", "Whose it is", {"inputs": pd.DataFrame({
        "input": ["price", "rate"], "first": [0.9, 0.02], "first_confidence": [0.05, 0.01], "total": [0.95, 0.06],
        "total_confidence": [0.04, 0.02]})}, "cost_musd"),
    "break-even": Answer("break-even", "Break-even", {"tried": pd.DataFrame({
        "value": [0.5, 1.0], "holds": [False, True], "cost_musd": [10.0, 20.0], "short_share": [0.0, 0.1],
        "instances_last": [1e6, 2e6], "gap": [0.01, 0.0]})}, "demand.amount", ("It changes.",)),
    "frontier": Answer("frontier", "Frontier: cost_musd against demand.amount", {"points": pd.DataFrame({
        "value": ["0.5", "1", "2"], "x": [0.5, 1.0, math.nan], "y": [10.0, 20.0, math.nan],
        "gap": [0.0, 0.01, math.nan], "reason": ["", "", "infeasible"]})}, "cost_musd"),
    "alternatives": Answer("alternatives", "Nearly as good", {
        "no regret": pd.DataFrame({"decision": ["open"], "place": ["lulea"], "item": [""], "year": [2027],
                                   "at_least": [1.0]}),
        "plans": pd.DataFrame({"plan": ["best", "alternative 1"], "extra_cost_share": [0.0, 0.02],
                               "cost_musd": [100.0, 102.0], "short_share": [0.0, 0.0], "sites": [2, 1],
                               "without": ["", "abilene"], "instead": ["", "hamina"]}),
        "power": pd.DataFrame({"plan": ["best", "best", "alternative 1"], "site": ["lulea", "abilene", "lulea"],
                               "facility_mw": [10.0, 5.0, 15.0]})}, "sites"),
    "foresight": Answer("foresight", "What short sight costs", {"sights": pd.DataFrame({
        "foresight": ["perfect", "myopic"], "cost_musd": [100.0, 130.0], "extra_cost_musd": [0.0, 30.0],
        "short_share": [0.0, 0.1], "extra_short_share": [0.0, 0.1], "sites": [2, 3], "gap": [0.01, 0.01]})}),
    "risk": Answer("risk", "Under uncertainty", {
        "values": pd.DataFrame({"what": ["expected cost", "weighing the futures saves"], "musd": [100.0, 7.0]}),
        "futures": pd.DataFrame({"future": ["boom", "calm"], "weight": [0.25, 0.75], "cost_musd": [150.0, 90.0],
                                 "best_musd": [140.0, 85.0], "regret_musd": [10.0, 5.0]}),
        "commitments": pd.DataFrame({"decision": ["open"], "place": ["lulea"], "item": [""], "year": [2027],
                                     "value": [1.0]})}),
}


def whole(text):
    """One offline file whose pictures are well-formed."""
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", text)
    pictures = re.findall(r"<svg.*?</svg>", text, re.S)
    for picture in pictures:
        ET.fromstring(picture)
    assert "nan" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S).lower().replace("alternan", "")
    return len(pictures)


def test_every_kind_is_drawn_kept_and_read_back_the_same(tmp_path):
    assert set(ANSWERS) == set(KINDS) == set(DRAWN)
    for answer in ANSWERS.values():
        keep_answer(answer, tmp_path / "kept")
    again = answers_of(tmp_path / "kept")
    assert [each.kind for each in again] == list(KINDS)
    for each in again:
        before = ANSWERS[each.kind]
        assert (each.title, each.unit, each.notes) == (before.title, before.unit, before.notes)
        for name, table in before.tables.items():
            pd.testing.assert_frame_equal(each.tables[name], table, check_dtype=False)
    assert is_study(tmp_path / "kept")
    kept = write_study(tmp_path / "kept", tmp_path / "kept.html").read_text(encoding="utf-8")
    fresh = write_answers(list(ANSWERS.values()), "kept", tmp_path / "fresh.html").read_text(encoding="utf-8")
    assert whole(fresh) >= 8
    assert kept.count("<section") == fresh.count("<section") == len(KINDS)
    for words in ("No-regret", "lulea", "not decided", "a &lt;b&gt;", "infeasible", "It changes.", "myopic", "boom"):
        assert words in kept, words


def test_answers_are_made_from_what_the_searches_return():
    from capacity.studies.answer import of_break_even, of_frontier, of_sensitivity
    from capacity.studies.breakeven import BreakEven
    from capacity.studies.frontier import Frontier

    points = pd.DataFrame({"value": ["x1", "x2"], "carbon_kt": [5.0, 7.0], "cost_musd": [10.0, 12.0],
                           "gap": [0.0, 0.01], "reason": ["", ""], "decided": [True, False]})
    found = of_frontier(Frontier("demand.amount", "carbon_kt", "cost_musd", points, 0.02, (("x1", "x2"),), (), 2))
    assert list(found.tables["points"]["x"]) == [5.0, 7.0]
    assert "It steps between x1 and x2." in found.notes
    tried = ANSWERS["break-even"].tables["tried"]
    even = of_break_even(BreakEven("price", "x1", "x2", False, True, 2, tried), "cost_musd >= 9")
    assert even.notes == ("It fails at price = x1 and holds at x2 (2 solves).",)
    same = of_break_even(BreakEven("price", "x1", "x2", True, True, 2, tried), "cost_musd >= 9")
    assert "both ends" in same.notes[0]
    assert of_sensitivity("tornado", "cost_musd", INPUTS).kind in KINDS


def test_a_tornado_starts_at_the_base_and_is_as_long_as_the_swing():
    tree = ET.fromstring(tornado(INPUTS, "million USD"))
    bars = [n for n in tree.iter() if n.tag == "rect" and len(n)]
    low, high, *others = bars
    assert float(low.get("x")) + float(low.get("width")) == pytest.approx(float(high.get("x")), abs=0.05)
    assert float(high.get("width")) / float(low.get("width")) == pytest.approx(30 / 20, rel=0.01)
    assert len(others) == 3
    assert high.get("fill-opacity") == "1"
    assert others[0].get("fill-opacity") == "0.45"


def test_dots_stand_at_their_values_with_their_spread():
    table = pd.DataFrame({"name": ["a", "b", "c"], "v": [1.0, 3.0, math.nan], "s": [0.5, 1.0, 0.0]})
    tree = ET.fromstring(dots(table, "name", "v", "x", spread="s"))
    a, b = [n for n in tree.iter() if n.tag == "circle"]
    spans = [n for n in tree.iter() if n.tag == "line" and n.get("stroke-width") == "3"]
    step = (float(b.get("cx")) - float(a.get("cx"))) / 2
    assert (float(spans[0].get("x2")) - float(spans[0].get("x1"))) == pytest.approx(step, abs=0.05)
    assert (float(spans[1].get("x2")) - float(spans[1].get("x1"))) == pytest.approx(2 * step, abs=0.05)
    assert "no plan" in [n.text for n in tree.iter()]


def test_a_folder_that_is_no_study_and_a_damaged_answer_are_told(tmp_path):
    with pytest.raises(InputError, match="no study here"):
        write_study(tmp_path, tmp_path / "page.html")
    keep_answer(ANSWERS["risk"], tmp_path).write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        write_study(tmp_path, tmp_path / "page.html")
