"""On random models, rules run once for all rows give what Pyomo gives row by row."""

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.solving.compiler import RecordedModel, arrays
from tests.support.stock_form import assert_same, ours, stock


def declare(m, draw):
    """Sets, parameters and variables of every kind, with random members and numbers."""
    n, k = int(draw.integers(2, 6)), int(draw.integers(2, 5))
    m.I = pyo.Set(initialize=[f"i{j}" for j in range(n)])
    m.T = pyo.Set(initialize=list(range(2030, 2030 + k)), ordered=True)
    pairs = [(i, t) for i in m.I for t in m.T if draw.random() < 0.6] or [("i0", 2030)]
    draw.shuffle(pairs)
    m.P = pyo.Set(initialize=pairs, dimen=2)
    m.OF = pyo.Set(m.I, initialize={i: [t for j, t in pairs if j == i] for i in m.I})
    m.BIG = pyo.Set(initialize=[f"i{j}" for j in range(n) if draw.random() < 0.5], within=m.I)
    m.a = pyo.Param(m.I, initialize={i: float(draw.uniform(-3, 3)) for i in m.I})
    m.b = pyo.Param(m.P, initialize={at: float(draw.uniform(0.5, 4)) for at in m.P}, mutable=True)
    m.kind = pyo.Param(m.I, initialize={i: str(draw.choice(["x", "y"])) for i in m.I}, within=pyo.Any)
    m.x = pyo.Var(m.I, m.T, bounds=lambda m, i, t: (-m.a[i], t if i in m.BIG else None), dense=False)
    m.y = pyo.Var(m.P, domain=lambda m, i, t: pyo.Binary if m.kind[i] == "x" else pyo.NonNegativeIntegers, dense=False)
    m.z = pyo.Var(domain=pyo.NonNegativeReals)
    m.mean = pyo.Expression(m.I, rule=lambda m, i: sum(m.x[i, t] for t in m.T) / len(m.T))


def balance(m, i, t):
    before = m.x[i, m.T.prev(t)] if t != m.T.first() else 1.5
    return m.x[i, t] == before + (m.b[i, t] * m.y[i, t] if (i, t) in m.P else 0)


def sparse_sum(m, t):
    return sum(m.b[j, u] * m.y[j, u] for j, u in m.P if u <= t) - 2 * m.z <= 7


def grouped_sum(m, i):
    return 3 * sum(m.y[i, t] * (t - 2029) for t in m.OF[i]) + m.mean[i] >= m.a[i]


def skipped(m, i, t):
    if m.kind[i] == "y":
        return pyo.Constraint.Skip
    return (-1, m.x[i, t] - m.x[i, t] / 4 + m.y[i, t], m.a[i] ** 2 + 1)


def both_ways(m, i):
    if i in m.BIG and m.a[i] > 0:
        return sum(m.x[i, t] for t in m.T) <= 4
    return m.z - sum((m.y[i, t] if (i, t) in m.P else m.x[i, t]) * m.a[i] for t in m.T) >= -3


def nested(m, t):
    inner = sum(m.a[i] * sum(m.x[i, u] for u in m.OF[i] if u != t) for i in m.I if m.kind[i] != "y")
    return pyo.inequality(-5, inner + m.z, 9)


def doubled(m, i):
    return sum(m.x[i, t] for t in m.T) + sum(m.x[i, t] for t in m.T if t == m.T.last()) - m.x[i, m.T.first()] <= 0


def shifted(m, i, t):
    if t == m.T.last():
        return pyo.Constraint.Skip
    return m.x[i, t + 1] >= 0.5 * m.x[i, t] + abs(m.a[i])


RULES = {
    "balance": (balance, "I", "T"), "sparse_sum": (sparse_sum, "T"), "grouped_sum": (grouped_sum, "I"),
    "skipped": (skipped, "P"), "both_ways": (both_ways, "I"), "nested": (nested, "T"), "doubled": (doubled, "I"),
    "shifted": (shifted, "I", "T"),
}


def goal(m):
    costs = sum(m.a[i] * m.x[i, t] for i in m.I for t in m.T) + sum(m.b[at] * m.y[at] for at in m.P)
    return costs - 2 * m.z + 11 + sum(m.a[i] for i in m.I)


def build(m, seed, chosen):
    declare(m, np.random.default_rng(seed))
    for name in chosen:
        rule, *sets = RULES[name]
        m.add_component(name, pyo.Constraint(*(m.component(s) for s in sets), rule=rule))
    m.scalar = pyo.Constraint(rule=lambda m: sum(m.x[i, t] for i in m.I for t in m.T) + m.z <= 100)
    m.cost = pyo.Objective(rule=goal)
    m.gain = pyo.Objective(rule=lambda m: m.z, sense=pyo.minimize)
    return m


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sets(st.sampled_from(sorted(RULES)), min_size=1, max_size=4))
def test_the_same_as_stock_pyomo(seed, chosen):
    expected = stock(build(pyo.ConcreteModel(), seed, sorted(chosen)))
    assert_same(ours(arrays(build(RecordedModel(), seed, sorted(chosen)))), expected)
    assert_same(ours(arrays(build(pyo.ConcreteModel(), seed, sorted(chosen)))), expected)


@pytest.mark.parametrize("name", sorted(RULES))
def test_each_rule_alone(name):
    for seed in range(3):
        expected = stock(build(pyo.ConcreteModel(), seed, [name]))
        assert_same(ours(arrays(build(RecordedModel(), seed, [name]))), expected)


def test_no_object_is_made_for_a_row_or_a_column():
    m = build(RecordedModel(), 1, sorted(RULES))
    arrays(m)
    assert all(len(c._data) == 0 for c in m.component_objects(pyo.Constraint))
    assert all(len(v._data) == 0 for v in m.component_objects(pyo.Var) if v.is_indexed())
