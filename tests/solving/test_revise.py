"""A what-if of numbers changes the loaded model in place, and says what a new one would say."""

import numpy as np
import pytest

from capacity.problem import Problem
from capacity.solving import Options, solve
from capacity.solving.compile import compile_problem
from capacity.solving.highs import Deadline, Machine
from capacity.solving.resolve import resolve
from capacity.solving.revise import Built, changes, push, revised
from tests.support.random_problem import random_problem
from tests.support.tiny_problem import tiny_problem

BEFORE = random_problem(3, sites=3, years=2, regions=2)


def changed(table, **columns):
    return Problem.of({**BEFORE.tables, table: BEFORE.table(table).assign(**columns)}, name=BEFORE.name)


def loaded(form):
    machine = Machine(form.matrix, form.row_lower, form.row_upper, threads=1)
    machine.set_bounds(form.lower, form.upper)
    return machine


def optimum(machine, form):
    machine.set_cost(form.cost["cost"] + 1e3 * form.cost["shortage"])
    answer = machine.run(Deadline(), {"solver": "simplex"})
    assert answer.status == "optimal"
    return answer.objective


def same(one, other):
    assert (one.matrix != other.matrix).nnz == 0
    for name in ("row_lower", "row_upper", "lower", "upper", "integer"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for goal, cost in other.cost.items():
        assert np.allclose(one.cost[goal], cost)
        assert one.offset[goal] == pytest.approx(other.offset[goal])


CASES = {
    "prices": changed("asset_cells", objective=BEFORE.table("asset_cells")["objective"] * 1.7),
    "supply": changed("limits", rhs=BEFORE.table("limits")["rhs"] * 0.05),
    "demand": changed("demands", amount=BEFORE.table("demands")["amount"] * 1.3),
    "throughput": changed("activities", output_per_unit=BEFORE.table("activities")["output_per_unit"] * 1.1),
}


@pytest.mark.parametrize("name", CASES)
def test_revised_arrays_are_those_of_a_new_build(name):
    same(revised(compile_problem(BEFORE), BEFORE, CASES[name]), compile_problem(CASES[name]))


@pytest.mark.parametrize("name", ["prices", "supply"])
def test_prices_and_limits_keep_the_matrix(name):
    form = compile_problem(BEFORE)
    assert revised(form, BEFORE, CASES[name]).matrix is form.matrix


@pytest.mark.parametrize("name", ["prices", "supply", "demand"])
def test_a_what_if_of_numbers_builds_nothing_again(name, monkeypatch):
    builds = []

    def counted(problem):
        builds.append(problem)
        return compile_problem(problem)

    monkeypatch.setattr("capacity.solving.revise.compile_problem", counted)
    before, exact = Built(), Options(gap=0.0, threads=1)
    donor = resolve(BEFORE, exact, before=before).keepsake
    warm = resolve(CASES[name], exact, donor, before=before).solution
    assert len(builds) == (2 if name == "demand" else 1)  # demand stands in the rows' coefficients
    cold = solve(CASES[name], exact)
    assert [s.objective for s in warm.stages] == pytest.approx([s.objective for s in cold.stages], rel=1e-6)


@pytest.mark.parametrize("name", ["prices", "supply", "demand"])
def test_a_loaded_model_changed_in_place_has_the_optimum_of_a_new_one(name):
    old, new = compile_problem(BEFORE), compile_problem(CASES[name])
    machine = loaded(old)
    first = optimum(machine, old)
    assert push(machine, old, new)
    assert optimum(machine, new) == pytest.approx(optimum(loaded(new), new), rel=1e-9)
    assert optimum(machine, new) != pytest.approx(first, rel=1e-6)


def test_other_rows_or_columns_are_refused():
    old = compile_problem(BEFORE)
    machine = loaded(old)
    fewer = Problem.of({**BEFORE.tables, "limits": BEFORE.table("limits").iloc[:1],
                        "limit_terms": BEFORE.table("limit_terms").iloc[:1]})
    assert not push(machine, old, compile_problem(fewer))
    assert not push(machine, old, compile_problem(tiny_problem(1)))
    assert optimum(machine, old) == pytest.approx(optimum(loaded(old), old))


def test_what_differs_is_named():
    assert changes(BEFORE, BEFORE) == set()
    assert changes(BEFORE, CASES["supply"]) == {("limits", "rhs")}
    without = BEFORE.table("asset_cells").assign(max=np.inf)
    assert changes(BEFORE, Problem.of({**BEFORE.tables, "asset_cells": without})) is None
    assert changes(BEFORE, tiny_problem(2)) is None
