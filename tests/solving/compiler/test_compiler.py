"""What the compiler refuses, and what it does with changed columns and rows stated one by one."""

import contextlib

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.core.base.set import SetData, _FiniteSetMixin
from pyomo.core.expr.numvalue import NumericValue

from capacity.solving.compiler import EmptyRowError, RecordedModel, RecordingError, arrays
from tests.support.stock_form import assert_same, ours, stock


def small(m):
    m.I = pyo.Set(initialize=["a", "b", "c"])
    m.x = pyo.Var(m.I, bounds=(0, 4))
    m.cost = pyo.Objective(rule=lambda m: sum(m.x[i] for i in m.I))
    return m


TABLE = {"a": 1.0, "b": 2.0, "c": 3.0}


def from_a_dict(m, i):
    return m.x[i] <= TABLE[i]


def loops(m, i):
    total = 0
    for j in m.I:
        total += m.x[j]
    return total >= m.x[i]


def squares(m, i):
    return m.x[i] * m.x[i] <= 1


def outside(m, i):
    return m.x["d"] <= 1 if i == "a" else m.x[i] <= 2


def nothing(m, i):
    return m.x[i]


@pytest.mark.parametrize(("rule", "word"), [
    (from_a_dict, "unhashable"), (loops, "loops"), (squares, "multiplied"), (outside, "KeyError"), (nothing, "neither"),
])
def test_an_error_names_the_rule_and_what_it_does(rule, word):
    m = small(RecordedModel())
    m.limit = pyo.Constraint(m.I, rule=rule)
    with pytest.raises(RecordingError, match=f"limit: .*{word}") as told:
        arrays(m)
    assert str(told.value).startswith("limit: ")


@pytest.mark.parametrize("rule", [from_a_dict, loops])
def test_where_asked_for_such_a_rule_is_worked_out_row_by_row_and_listed(rule):
    models = [small(RecordedModel()), small(pyo.ConcreteModel())]
    for m in models:
        m.limit = pyo.Constraint(m.I, rule=rule)
        m.plain = pyo.Constraint(m.I, rule=lambda m, i: m.x[i] >= 1)
    made = arrays(models[0], row_by_row=True)
    assert list(made.row_by_row) == ["limit"]
    assert_same(ours(made), stock(models[1]))


def test_python_is_as_before_after_a_recording_and_after_a_failure():
    before = sum, dict(vars(SetData)), dict(vars(_FiniteSetMixin)), dict(vars(NumericValue))
    for rule in (from_a_dict, lambda m, i: sum(m.x[j] for j in m.I if j != i) <= 1):
        m = small(RecordedModel())
        m.limit = pyo.Constraint(m.I, rule=rule)
        with contextlib.suppress(RecordingError):
            arrays(m)
        assert (sum, dict(vars(SetData)), dict(vars(_FiniteSetMixin)), dict(vars(NumericValue))) == before
        assert list(m.I) == ["a", "b", "c"]


def test_fixed_and_changed_columns_and_inactive_rows_count():
    m = small(pyo.ConcreteModel())
    m.limit = pyo.Constraint(m.I, rule=lambda m, i: m.x[i] + 2 * m.x["a"] <= 3)
    m.x["b"].setub(2)
    m.x["c"].fix(1)
    m.limit["b"].deactivate()
    made = arrays(m, row_by_row=True)
    assert made.upper.tolist() == [4, 2, 1]
    assert made.lower.tolist() == [0, 0, 1]
    assert [made.rules["limit"].index(at) for at in range(made.rules["limit"].size)] == ["a", "c"]


def test_goals_to_be_maximised_are_turned_round():
    m = small(RecordedModel())
    m.del_component("cost")
    m.gain = pyo.Objective(rule=lambda m: 2 * sum(m.x[i] for i in m.I) + 5, sense=pyo.maximize)
    made = arrays(m)
    assert made.cost["gain"].tolist() == [-2, -2, -2]
    assert made.offset["gain"] == -5


def test_a_row_without_terms_is_left_out_or_cannot_hold():
    m = small(RecordedModel())
    m.EMPTY = pyo.Set(m.I, initialize={"a": ["a"], "b": [], "c": ["c"]})
    m.bound = pyo.Param(m.I, initialize={"a": 1.0, "b": 2.0, "c": 3.0}, mutable=True)
    m.limit = pyo.Constraint(m.I, rule=lambda m, i: sum(m.x[j] for j in m.EMPTY[i]) <= m.bound[i])
    made = arrays(m)
    assert [made.rules["limit"].index(at) for at in range(2)] == ["a", "c"]
    m.bound["b"] = -1
    with pytest.raises(EmptyRowError, match=r"limit\[b\] has no terms"):
        arrays(m)


def test_a_rule_over_no_index_makes_no_rows():
    m = small(RecordedModel())
    m.NONE = pyo.Set(initialize=[], dimen=2)
    m.w = pyo.Var(m.NONE)
    m.limit = pyo.Constraint(m.NONE, rule=lambda m, i, j: m.w[i, j] <= undefined)  # noqa: F821
    made = arrays(m)
    assert made.matrix.shape == (0, 3)
    assert np.isfinite(made.upper).all()
