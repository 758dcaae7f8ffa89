"""The written template is solved once; the commands on its plan then show, export, audit and picture it."""

import json

import pandas as pd
import pytest

from capacity.cli.app import app
from capacity.cli.inputs import question
from capacity.plan import assemble, save_plan
from capacity.problem import build_problem
from capacity.scenario import write_template
from capacity.solving import Options, solve


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plans")
    scenario, catalogue = question(str(write_template(folder / "first")), [])
    problem = build_problem(scenario, catalogue)
    solution = solve(problem, Options(gap=0.05, time_limit=60))
    return save_plan(assemble(scenario, problem, solution), folder / "run"), solution


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def _run(*args):
        with pytest.raises(SystemExit) as caught:
            app(list(map(str, args)), prog_name="capacity")
        out, err = capsys.readouterr()
        return caught.value.code or 0, out, err

    return _run


def test_the_template_serves_all_it_asks_for(solved):
    _, solution = solved
    assert [stage.goal for stage in solution.stages] == ["shortage", "cost"]
    assert solution.stages[0].objective == pytest.approx(0, abs=1e-6)
    assert solution.gap <= 0.05


def test_schedule_shows_every_year(run, solved):
    code, out, _ = run("schedule", solved[0])
    assert code == 0
    assert all(str(year) in out for year in range(2027, 2031))
    rows = json.loads(run("schedule", solved[0], "--json")[1])
    assert [round(row["instances_demanded"]) for row in rows] == [1_000_000, 2_000_000, 4_000_000, 8_000_000]


def test_audit_passes_and_a_tampered_plan_fails(run, solved, tmp_path):
    import shutil

    code, out, _ = run("audit", solved[0])
    assert (code, "sound:" in out) == (0, True)
    forged = tmp_path / "forged"
    shutil.copytree(solved[0], forged)
    alive = pd.read_parquet(forged / "values" / "alive.parquet")
    alive.assign(value=alive["value"] * 0.5).to_parquet(forged / "values" / "alive.parquet", index=False)
    code, _, err = run("audit", forged)
    assert code == 1
    assert "audit found" in err


@pytest.mark.parametrize(("option", "made"), [("--csv", "x/schedule.csv"), ("--xlsx", "x"), ("--json", "x")])
def test_export_writes(run, solved, tmp_path, option, made):
    code, out, _ = run("export", solved[0], option, "--out", tmp_path / "x")
    assert code == 0
    assert out.startswith("wrote ")
    assert (tmp_path / made).stat().st_size > 0


def test_export_takes_one_format(run, solved):
    code, _, err = run("export", solved[0], "--csv", "--json")
    assert code == 2
    assert "one of --csv, --xlsx and --json" in err


def test_report_is_one_page(run, solved, tmp_path):
    page = tmp_path / "r.html"
    assert run("report", solved[0], "--out", page)[0] == 0
    assert "<html" in page.read_text(encoding="utf-8")[:500].lower()
