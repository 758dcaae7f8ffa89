"""Page, charts and essay of the founding question: whole, well-formed, offline; docs hold the essay it writes."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest

from capacity.catalogue import load_catalogue
from capacity.report.essay import THEMES, essay, pictures, write_essay
from capacity.report.figures import draw, standalone
from capacity.report.founding import page, write_findings
from capacity.studies.founding import ARGUMENTS, Chart, Facts, named, told

DOCS = Path(__file__).resolve().parents[2] / "docs"
NUMBER = re.compile(r"\d[\d,]*\.?\d*")
CLOSE = 0.15
"""Times of one machine's search against another's may move a plan, not the story."""


@pytest.fixture(scope="module")
def facts():
    return Facts(load_catalogue())


@pytest.fixture(scope="module")
def found(facts):
    return [told(named(name), facts) for name in ("ladder", "streaming", "sweep")]


def parsed(picture):
    return ET.fromstring(picture)


def test_charts_are_well_formed_and_tell_their_numbers(found):
    shown = pictures(found)
    assert len(shown) == sum(len(f.outcome.charts) for f in found)
    for picture in shown.values():
        tree = parsed(picture)
        assert tree.tag.endswith("svg")
        assert any(node.tag.endswith("title") for node in tree.iter())


def test_a_logarithmic_chart_places_a_tenth_one_decade_lower():
    data = pd.DataFrame({"a": [1.0, 10.0, 100.0]}, index=pd.Index([1, 10, 100], name="n"))
    tree = parsed(standalone(draw(Chart("t", "s", data, log=True, log_x=True))))
    dots = [(float(n.get("cx")), float(n.get("cy"))) for n in tree.iter() if n.tag.endswith("circle")]
    (x0, y0), (x1, y1), (x2, y2) = dots
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.02)
    assert y0 > y1
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.02)


def test_bars_start_at_zero_and_what_is_missing_says_so():
    data = pd.DataFrame({"v": [2.0, 4.0, float("nan")]}, index=["a", "b", "c <d>"])
    tree = parsed(standalone(draw(Chart("t", "s", data, "bars"))))
    bars = [n for n in tree.iter() if n.tag.endswith("rect") and n.get("fill") not in ("#fff", None)]
    assert float(bars[1].get("width")) == pytest.approx(2 * float(bars[0].get("width")), abs=0.02)
    assert "does not fit" in [n.text for n in tree.iter()]


def test_the_page_is_one_file_that_fetches_nothing(found, facts, tmp_path):
    path = write_findings(found, facts, tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert text == page(found, facts)
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", text)
    for finding in found:
        assert f'id="{finding.argument.name}"' in text
        for name in finding.outcome.tables:
            assert f"<summary>{name} <small>" in text
        for swing in finding.swings:
            assert swing.input.source in text


def test_every_argument_has_its_place_in_the_essay():
    placed = [name for _, _, names in THEMES for name in names]
    assert sorted(placed) == sorted(argument.name for argument in ARGUMENTS)


def same(ours, theirs):
    """Same words, and numbers within a tolerance."""
    ours, theirs = " ".join(ours.split()), " ".join(theirs.split())
    assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs)
    for a, b in zip(NUMBER.findall(ours), NUMBER.findall(theirs), strict=True):
        x, y = float(a.replace(",", "")), float(b.replace(",", ""))
        assert x == pytest.approx(y, rel=CLOSE, abs=0.02), (a, b)


def test_the_comparison_of_essays_sees_a_changed_number():
    same("it costs 1.16 and 60", "it costs 1.15\nand 60")
    with pytest.raises(AssertionError):
        same("it costs 1.16", "it costs 2.16")
    with pytest.raises(AssertionError):
        same("it holds", "it does not hold")


@pytest.mark.long
def test_the_essay_in_docs_is_what_the_study_writes(facts, tmp_path):
    every = [told(argument, facts) for argument in ARGUMENTS]
    write_essay(every, facts, tmp_path)
    assert {p.name for p in (tmp_path / "founding-question").iterdir()} == {
        p.name for p in (DOCS / "founding-question").iterdir()}
    same(essay(every, facts), (DOCS / "founding-question.md").read_text(encoding="utf-8"))
