"""The arrays say what the Pyomo model says: every row, bound and goal, at random points."""

import numpy as np
import pyomo.environ as pyo
import pytest

from capacity.catalogue import load_catalogue
from capacity.formulation import build_model
from capacity.problem import VARIABLES, build_problem
from capacity.scenario import load_scenario
from capacity.solving.compile import compile_model, compile_problem
from capacity.solving.compiler import RecordedModel, arrays
from tests.support.random_problem import random_problem
from tests.support.stock_form import assert_same, ours, stock
from tests.support.tiny_problem import tiny_problem

PROBLEMS = [tiny_problem(seed, shape=(2, 2, 2)) for seed in range(6)] + [random_problem(1, sites=2, years=2, regions=2)]
NAMES = [p.name for p in PROBLEMS]


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_every_rule_of_ours_is_run_once_for_all_its_rows_and_says_what_stock_pyomo_says(problem):
    assert_same(ours(arrays(build_model(problem, RecordedModel()))), stock(build_model(problem)))


@pytest.mark.long
@pytest.mark.parametrize("name", ["gpt3-2021", "single-lab", "human-equivalents", "thousand-fold"])
def test_shipped_scenarios_say_what_stock_pyomo_says(name):
    scenario = load_scenario(name)
    problem = build_problem(scenario, load_catalogue(scenario.catalogue))
    made = arrays(build_model(problem, RecordedModel()), row_by_row=True)
    assert_same(ours(made), stock(build_model(problem)))
    assert not made.row_by_row


def at_random(model, form, seed):
    """A random point, set in the model; its array."""
    x = np.random.default_rng(seed).uniform(-2, 5, form.columns)
    for name, (positions, index) in form.labels.items():
        variable = model.component(name)
        for position, key in zip(positions, index, strict=True):
            variable[key].set_value(x[position], skip_validation=True)
    return x


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_every_row_agrees_with_pyomo(problem):
    model = build_model(problem)
    form = compile_model(model)
    x = at_random(model, form, 7)
    activity = form.matrix @ x
    rules = {c.name: c for c in model.component_data_objects(pyo.Constraint, active=True)}
    seen = set()
    for row, name in enumerate(form.row_names):
        rule = rules[name]
        seen.add(name)
        body = pyo.value(rule.body)
        if np.isfinite(form.row_upper[row]):
            assert form.row_upper[row] - activity[row] == pytest.approx(pyo.value(rule.upper) - body, abs=1e-6), name
        if np.isfinite(form.row_lower[row]):
            assert activity[row] - form.row_lower[row] == pytest.approx(body - pyo.value(rule.lower), abs=1e-6), name
        assert np.isfinite(form.row_upper[row]) == (rule.upper is not None), name
        assert np.isfinite(form.row_lower[row]) == (rule.lower is not None), name
    assert seen == set(rules)


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_every_goal_agrees_with_pyomo(problem):
    model = build_model(problem)
    form = compile_model(model)
    x = at_random(model, form, 11)
    stated = problem.table("goals").sort_values("order")["goal"].tolist()
    assert list(form.cost) == list(form.offset) == stated
    for goal in stated:
        expected = pyo.value(model.component(f"goal_{goal}").expr)
        assert float(form.cost[goal] @ x) + form.offset[goal] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("problem", PROBLEMS, ids=NAMES)
def test_bounds_and_whole_columns_agree_with_pyomo(problem):
    model = build_model(problem)
    form = compile_model(model)
    counted = 0
    for name, (positions, index) in form.labels.items():
        for position, key in zip(positions, index, strict=True):
            column = model.component(name)[key]
            assert form.lower[position] == (-np.inf if column.lb is None else column.lb)
            assert form.upper[position] == (np.inf if column.ub is None else column.ub)
            assert form.integer[position] == (not column.is_continuous())
            counted += 1
    assert counted == form.columns
    assert form.integer.any()


def test_tables_hold_what_is_not_zero():
    problem = PROBLEMS[0]
    form = compile_problem(problem)
    x = np.arange(1.0, form.columns + 1)
    x[::3] = 0.0
    tables = form.tables(x)
    assert set(tables) == set(VARIABLES)
    total = 0.0
    for name, keys in VARIABLES.items():
        assert list(tables[name].columns) == [*keys, "value"]
        assert (tables[name]["value"] != 0).all()
        total += tables[name]["value"].sum()
    hidden = [p for name, (at, _) in form.labels.items() if name not in VARIABLES for p in at]
    assert total == pytest.approx(x.sum() - x[hidden].sum())
    positions, index = form.labels["bought"]
    kept = {key: x[p] for p, key in zip(positions, index, strict=True) if x[p]}
    assert kept == {(r.place, r.asset, r.vintage): r.value for r in tables["bought"].itertuples()}


def test_each_column_knows_its_period():
    form = compile_model(build_model(PROBLEMS[0]))
    period = form.column_period()
    for name, at in {"bought": 2, "alive": 2, "use": 2, "open": 1, "built": 2}.items():
        positions, index = form.labels[name]
        assert period[positions].tolist() == [key[at] for key in index], name
    assert (period[form.labels["serve"][0]] == -1).all()
