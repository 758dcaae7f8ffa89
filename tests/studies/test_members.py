"""Lists and distributions become members."""

import math

import numpy as np
import pytest

from capacity.errors import InputError
from capacity.scenario import load_scenario
from capacity.studies.file import StudySpec, plan_study, read_study
from capacity.studies.keys import Base
from capacity.studies.members import Vary, grid, numbered, one_at_a_time, read_vary, unit_samples, zipped
from capacity.studies.uncertain import Input, catalogue_inputs, stated_input

A, B = Vary("a", ("1", "2")), Vary("b", ("x", "y"))


def test_designs():
    assert grid([A, B]) == [{"a": "1", "b": "x"}, {"a": "1", "b": "y"}, {"a": "2", "b": "x"}, {"a": "2", "b": "y"}]
    assert zipped([A, B]) == [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]
    assert one_at_a_time([A, B]) == [{"a": "1"}, {"a": "2"}, {"b": "x"}, {"b": "y"}]
    with pytest.raises(InputError, match="a has 2, b has 1"):
        zipped([A, Vary("b", ("x",))])


def test_the_base_comes_first_and_nothing_twice():
    members = numbered([{"a": "1"}, {"a": "1"}, {}])
    assert [m.label for m in members] == ["base", "a=1"]
    assert [m.number for m in members] == [0, 1]


@pytest.mark.parametrize(("text", "values"), [
    ("a=1,2", ("1", "2")), ("a.b= $3 billion , x2", ("$3 billion", "x2")),
    ("s={usa: 1, eu: 0},gdp", ("{usa: 1, eu: 0}", "gdp")),
])
def test_vary(text, values):
    assert read_vary(text).values == values


@pytest.mark.parametrize("text", ["a", "=1", "a=", "a=,"])
def test_vary_refused(text):
    with pytest.raises(InputError, match="path=value"):
        read_vary(text)


@pytest.mark.parametrize("method", ["latin_hypercube", "sobol"])
def test_samples_fill_every_slot_of_every_input(method):
    points = unit_samples(method, 16, 3, seed=1)
    for column in points.T:
        assert sorted((column * 16).astype(int)) == list(range(16))
    assert (unit_samples(method, 16, 3, seed=1) == points).all()


def test_quantiles_are_those_of_the_distribution():
    shares = np.linspace(0.0005, 0.9995, 1000)
    triangle = Input("a", 1.0, 2.0, 5.0)
    drawn = np.array([float(triangle.at(s)) for s in shares])
    assert drawn.mean() == pytest.approx((1 + 2 + 5) / 3, rel=1e-3)
    assert (drawn <= 2.0).mean() == pytest.approx((2 - 1) / (5 - 1), abs=2e-3)
    wide = Input("a", 0.5, 1.0, 2.0, "lognormal", factor=True)
    assert wide.at(0.5) == "x1"
    assert float(wide.at(0.05)[1:]) == pytest.approx(0.5)
    assert float(wide.at(0.95)[1:]) == pytest.approx(2.0)
    chosen = [Input("a", shape="choice", choices=("l", "m", "h"), weights=(1, 2, 1)).at(s) for s in shares]
    assert [chosen.count(c) for c in "lmh"] == [250, 500, 250]
    assert math.isclose(float(Input("a", 0, 1, 2, "uniform").at(0.25)), 0.5)


def test_catalogue_inputs_can_all_be_set():
    base = Base(load_scenario("human-equivalents"))
    inputs = catalogue_inputs(base)
    assert {"money.discount_rate", "supply.level", "accelerators.vr200-nvl72.price"} <= {i.path for i in inputs}
    for end in ("low_end", "high_end"):
        for i in inputs:
            load_scenario("human-equivalents", base.sets(i.path, getattr(i, end)()))


@pytest.mark.parametrize(("given", "words"), [
    ({"low": "5 %"}, "give low and high"), ({"low": "9 %", "high": "5 %"}, "must be below"),
    ({"low": "x0.5", "high": "9 %"}, "both be factors"),
    ({"low": "5 %", "high": "9 %", "mid": "12 %"}, "must lie between"),
    ({"values": ["7 %"], "weights": [1, 2]}, "one number of at least 0 for each"),
])
def test_bad_distributions_are_told(tiny, given, words):
    with pytest.raises(InputError, match=words):
        stated_input(Base(load_scenario(tiny)), "money.discount_rate", given, "study")


FILE = """\
scenario: tiny.yaml
vary: {money.discount_rate: [7 %, 9 %], demand.growth: 1.5}
desing: grid
"""


def test_a_study_file(tiny, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(FILE.replace("tiny.yaml", tiny).replace("desing", "design"))
    study = plan_study(read_study(path))
    assert study.name == "mine"
    assert [m.label for m in study.members][1:] == [
        "money.discount_rate=7 %, demand.growth=1.5", "money.discount_rate=9 %, demand.growth=1.5"]
    assert study.overrides[1][0] == "money.discount_rate=7 %"


@pytest.mark.parametrize(("text", "words"), [
    (FILE, r"bad.yaml:3: desing: unknown key; did you mean `design`\?"),
    ("design: gird\n", "bad.yaml:1: design: 'gird' is given; needed: 'grid', 'zip'"),
    ("inputs: {a: {lo: 1}}\n", "unknown key; did you mean `low`"),
    ("- a\n", "a study is a mapping"),
])
def test_bad_study_files_are_told(tmp_path, text, words):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_study(path)


def test_two_keys_that_move_one_number_are_refused(tiny):
    spec = StudySpec(name="s", scenario=tiny, vary={"sites.*.power_price": ["x2"], "sites.hamina.power_price": ["x3"]})
    with pytest.raises(InputError, match="moved by two"):
        plan_study(spec)
