"""`capacity topology wan`: candidate links, links lit by a plan, both as a picture; refusals in words."""

import importlib.util
import json

import pytest

from capacity.cli import app as cli
from capacity.plan import assemble, save_plan
from capacity.problem import build_problem
from capacity.solving import Options, solve
from tests.support.scenarios import round_catalogue, scenario

DRAWS = pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib")


def run(capsys, *words):
    code = 0
    try:
        cli.app(["topology", "wan", *words], standalone_mode=False)
    except SystemExit as stop:
        code = int(stop.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    asked = scenario(links={"routing": "free", "table": [{"between": ["abilene", "hamina"], "km": 9000}]})
    problem = build_problem(asked, round_catalogue(tmp_path_factory.mktemp("tables")))
    made = assemble(asked, problem, solve(problem, Options(gap=0.05, threads=1)))
    return save_plan(made, tmp_path_factory.mktemp("plans") / "run")


def test_candidates_of_a_scenario(capsys):
    code, out, _ = run(capsys, "single-lab", "--json")
    rows = json.loads(out)
    assert code == 0
    assert {row["link"] for row in rows} == {"abilene--columbus", "abilene--lulea", "columbus--lulea"}
    assert {row["basis"] for row in rows} == {"great circle"}


def test_links_of_a_plan_by_year(capsys, plan):
    code, out, _ = run(capsys, "--plan", str(plan), "--json")
    assert code == 0
    assert [set(row) for row in json.loads(out)] == [{"link", "2027", "2028"}]


@DRAWS
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture(capsys, plan, tmp_path, ending):
    file = tmp_path / f"map.{ending}"
    code, out, _ = run(capsys, "--plan", str(plan), "--draw", str(file))
    assert (code, "drawn:" in out) == (0, True)
    assert file.stat().st_size > 10_000
    if ending == "svg":
        assert "first lit in 2027" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(("words", "told"), [
    (("single-lab", "--draw", "map.gif"), "a picture's name ends in .svg, .png, .pdf"),
    (("--plan", "nowhere"), "no plan here"),
    (("single-lab", "--set", "links.backbone=backbone/moon"), "links.backbone"),
])
def test_what_is_refused_says_why(capsys, words, told):
    code, _, err = run(capsys, *words)
    assert code == 2
    assert told in err
