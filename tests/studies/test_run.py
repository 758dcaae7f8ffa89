"""A study runs, is kept, goes on, shares what it knows; what fails is a row."""

import json
import os
import shutil

import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.studies import Store, StudySpec, plan_study, run_study
from capacity.studies.compare import compare_plans, compare_study, query
from capacity.studies.pool import pooled
from capacity.studies.solve import Task, keyed, solve_task

VARY = {"money.discount_rate": ["10 %", "20 %"], "accelerators.h200.price": ["x0.5", "x1.5"]}


def study(tiny, **more):
    return plan_study(StudySpec(**{"name": "s", "scenario": tiny, "vary": VARY, "gap": 0.0, **more}))


@pytest.fixture(scope="module")
def ran(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "first"
    return folder, run_study(study(tiny), folder)


def test_one_row_a_member_and_a_plan_each(ran):
    folder, table = ran
    assert list(table["member"]) == [0, 1, 2, 3, 4]
    assert set(table["status"]) == {"optimal"}
    assert (table["gap"] <= 1e-6).all()
    assert pd.read_parquet(folder / "results.parquet").equals(Store(folder).results())
    for key in table["key"]:
        assert (folder / "plans" / key / "plan.json").is_file()
    assert list(table["accelerators.h200.price"].dropna()) == [0.5, 1.5, 0.5, 1.5]


@pytest.mark.long
def test_warm_members_reach_the_same_optimum_as_cold_ones(ran, tiny, tmp_path):
    _, warm = ran
    cold = run_study(study(tiny), tmp_path / "cold", warm=False)
    pd.testing.assert_series_equal(warm["cost_and_shortage_objective"], cold["cost_and_shortage_objective"], rtol=1e-7)


def test_a_repeated_study_solves_nothing(ran, tiny, monkeypatch):
    folder, table = ran
    monkeypatch.setattr("capacity.studies.pool.solve_task", None)
    told = []
    again = run_study(study(tiny), folder, listen=told.append)
    pd.testing.assert_frame_equal(again, table)
    assert told[-1].reused == told[-1].total == 5


def test_an_interrupted_study_solves_only_what_is_missing(ran, tiny, tmp_path):
    folder, table = ran
    mine = tmp_path / "alone" / "cut"
    shutil.copytree(folder, mine)
    lost = table["key"][3]
    shutil.rmtree(mine / "plans" / lost)
    (mine / "plans" / ".half.draft").mkdir()
    told = []
    again = run_study(study(tiny), mine, listen=told.append)
    assert told[-1].reused == 4
    assert again["cost_musd"].tolist() == pytest.approx(table["cost_musd"].tolist())
    assert not (mine / "plans" / ".half.draft").exists()


def test_an_overlapping_study_takes_the_plans_of_its_neighbour(ran, tiny):
    folder, table = ran
    wider = study(tiny, vary={**VARY, "money.discount_rate": ["10 %", "15 %"]})
    told = []
    run_study(wider, folder.parent / "wider", listen=told.append)
    assert told[-1].reused == 3  # the base and the two at 10 %
    shared = folder.parent / "wider" / "plans" / table["key"][1] / "plan.json"
    assert os.path.samefile(shared, folder / "plans" / table["key"][1] / "plan.json")


def test_other_options_make_other_plans(tiny):
    keys = {keyed(Task(tiny, sets, gap, 60.0)).key for sets in ((), ("money.it_life=3",)) for gap in (0.0, 0.1)}
    assert len(keys) == 4
    assert keyed(Task(tiny, ("money.discount_rate=0.25",), 0.0, 60.0)).key == keyed(Task(tiny, (), 0.0, 60.0)).key


def test_members_without_a_plan_are_rows_with_a_reason(tiny, tmp_path, monkeypatch):
    text = {"sites.*.grid_limit": ["0 MW", "100 MW"], "demand.must_serve": ["true"]}
    spec = StudySpec(name="s", scenario=tiny, vary=text, gap=0.0)
    table = run_study(plan_study(spec), tmp_path / "s")
    assert list(table["status"]) == ["optimal", "infeasible", "optimal"]
    assert "must be served" in table["reason"][1]
    bad = StudySpec(name="s", scenario=tiny, vary={"sites.hamina.pue": ["0.5", "1.3"]}, gap=0.0)
    table = run_study(plan_study(bad), tmp_path / "bad")
    assert list(table["status"]) == ["optimal", "refused", "optimal"]
    assert "at least 1" in table["reason"][1]
    told = []
    monkeypatch.setattr("capacity.studies.pool.solve_task", None)
    run_study(plan_study(spec), tmp_path / "s", listen=told.append)
    assert (told[-1].without_plan, told[-1].reused) == (1, 3)


def test_a_bug_is_a_row_and_is_tried_again(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("capacity.studies.solve.assemble", lambda *_: 1 / 0)
    table = run_study(study(tiny, vary={}), tmp_path / "s")
    assert table["status"][0] == "fault"
    assert "ZeroDivisionError" in table["reason"][0]
    monkeypatch.undo()
    assert run_study(study(tiny, vary={}), tmp_path / "s")["status"][0] == "optimal"


@pytest.mark.long
def test_two_processes_give_the_same_rows(ran, tiny, tmp_path):
    _, table = ran
    two = run_study(study(tiny), tmp_path / "two", workers=2)
    same = ["member", "label", "key", "status", "cost_musd", "mix", "site_names", "route"]
    pd.testing.assert_frame_equal(two[same], table[same])


def test_a_worker_that_dies_costs_a_row_not_the_study(tiny, tmp_path, monkeypatch):
    good = keyed(Task(tiny, (), 0.0, 60.0))
    deadly = Task("kill", (), 0.0, 60.0, key="deadly")
    monkeypatch.setattr("capacity.studies.pool.solve_task", or_die)
    done = {d.key: d for d in pooled([deadly, good], tmp_path, None, 1)}
    assert done["deadly"].row["status"] == "fault"
    assert "died" in done["deadly"].row["reason"]
    assert done[good.key].row["status"] == "optimal"


def or_die(task, plans, donor):
    if task.scenario == "kill":
        os._exit(9)
    return solve_task(task, plans, donor)


def test_folders_of_something_else_are_refused(ran, tiny, tmp_path):
    folder, _ = ran
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="not a study"):
        run_study(study(tiny), tmp_path)
    with Store(folder).locked(), pytest.raises(InputError, match="another run"):
        run_study(study(tiny), folder)
    with pytest.raises(InputError, match="no study here"):
        Store(tmp_path).results()


def test_comparison_tells_what_changed(ran):
    folder, table = ran
    compared = compare_study(folder)
    assert compared["verdict"][0] == ""
    assert set(compared["verdict"][1:]) <= {"cheaper", "dearer", "same"}
    cheap = compared[compared["accelerators.h200.price"] == 0.5]
    assert (cheap["verdict"] == "cheaper").all()
    plans = compare_plans([folder / "plans" / table["key"][0], folder / "plans" / table["key"][2]])
    assert plans["changed"][1] == compared["changed"][2]
    with pytest.raises(InputError, match="two plans"):
        compare_plans([folder / "plans" / table["key"][0]])


def test_queries(ran):
    pytest.importorskip("duckdb")
    folder, table = ran
    cost = query(folder, "select max(cost_musd) as most from results")
    assert cost["most"][0] == pytest.approx(table["cost_musd"].max())
    peak = query(folder, "select member, max(instances_served) as peak from schedule group by member order by member")
    assert peak["peak"].tolist() == pytest.approx(table["instances_peak"].tolist())
    with pytest.raises(InputError, match="tables: results"):
        query(folder, "select nothing from nowhere")


def test_the_question_is_kept(ran):
    folder, table = ran
    told = json.loads((folder / "study.json").read_text())
    assert [m["key"] for m in told["members"]] == table["key"].tolist()
    assert told["members"][1]["sets"] == ["money.discount_rate=10 %", "accelerators.h200-sxm.price=15000"]
