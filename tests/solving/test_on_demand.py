"""Linking rows taken in on demand: the same optima as with all of them, and few of them are needed."""

import numpy as np
import pytest

from benchmarks.reference import read
from capacity.errors import InfeasibleError
from capacity.formulation import build_model
from capacity.solving import Options, on_demand, search, solve
from capacity.solving.compile import compile_model
from capacity.solving.highs import Deadline
from capacity.solving.on_demand import OnDemand, box_within, linking_rows, reduced_cost, roundings
from tests.benchmarks.files import DATA

CAP, PMED = DATA / "orlib" / "cap61.txt", DATA / "orlib" / "pmed1.txt"


def form_of(kind, file, variant="", capacity=None):
    return compile_model(build_model(read(kind, file, variant, capacity)))


def test_linking_rows_are_those_of_open_places():
    form = form_of("orlib-pmed", PMED)
    rules = {name.split("[")[0] for name, linking in zip(form.row_names, linking_rows(form), strict=True) if linking}
    assert rules == {"serve_only_from_open_places"}
    assert int(linking_rows(form).sum()) == 100 * 100


def test_the_relaxation_is_that_of_all_rows():
    form = form_of("orlib-cap", CAP, "", 5000.0)
    cost = form.cost["cost"]
    program = OnDemand(form, cost, 0.0, 1)
    answer = program.relaxation(Deadline())
    some = int(program.taken.sum())
    program.take(np.flatnonzero(~program.taken))
    everything = program.relaxation(Deadline())
    assert some < len(program.taken)
    assert answer.objective == pytest.approx(everything.objective)
    assert answer.row_dual is not None
    assert not answer.row_dual[linking_rows(form) & (form.matrix @ answer.x < form.row_upper - 1e-6)].any()


@pytest.mark.parametrize(("kind", "file", "variant", "capacity", "objective"), [
    ("orlib-pmed", PMED, "", None, 5819), ("orlib-cap", CAP, "", 5000.0, 1040444.375),
    ("orlib-cap", CAP, "single-source", 15000.0, None),
])
def test_optima(monkeypatch, kind, file, variant, capacity, objective):
    """A plan costs the same whether the rows wait or not."""
    problem = read(kind, file, variant, capacity)
    if objective is None:
        objective = solve(problem, Options(gap=0.0)).stages[-1].objective
    monkeypatch.setattr(search, "WORTH_A_LOOK", 10**9)
    monkeypatch.setattr(search, "MANY", 0)
    monkeypatch.setattr(on_demand, "MANY", 40)
    monkeypatch.setattr(on_demand, "AT_ONCE", 20)
    found = solve(problem, Options(gap=0.0))
    assert found.status == "optimal"
    assert found.stages[-1].objective == pytest.approx(objective, rel=1e-6)


def test_too_little_room_is_infeasible_either_way(monkeypatch):
    monkeypatch.setattr(search, "WORTH_A_LOOK", 10**9)
    monkeypatch.setattr(search, "MANY", 0)
    with pytest.raises(InfeasibleError):
        solve(read("orlib-cap", CAP, "", 100.0), Options(gap=0.0))


def test_a_box_keeps_every_cheaper_plan():
    """Columns of the optimum stay inside the box that a worse plan allows."""
    problem = read("orlib-cap", CAP, "", 5000.0)
    form = compile_model(build_model(problem))
    cost = form.cost["cost"]
    answer = OnDemand(form, cost, 0.0, 1).relaxation(Deadline())
    best = search.Search(problem, Options(gap=0.0), None)
    best.treat(1, "cost")
    reduced = reduced_cost(form, cost, answer.row_dual)
    lower, upper = box_within(form, reduced, answer.objective, 1.001 * float(cost @ best.best))
    assert (best.best >= lower - 1e-6).all()
    assert (best.best <= upper + 1e-6).all()
    assert (upper < form.upper - 1e-6).any()


def test_roundings_are_whole_and_distinct():
    form = form_of("orlib-cap", CAP, "", 5000.0)
    point = np.random.default_rng(0).random(form.columns)
    found = roundings(form, point)
    assert len(found) > 1
    assert len({r[form.integer].tobytes() for r in found}) == len(found)
    assert all((r == np.round(r)).all() for r in found)
