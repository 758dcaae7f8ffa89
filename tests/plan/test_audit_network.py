"""The audit of traffic: solved problems of every kind pass, one corrupted value never does."""

import pandas as pd
import pytest

from capacity.plan import audit, check_audit
from capacity.plan.audit_failures import failure_rows
from capacity.plan.audit_network import asked_topics, links
from capacity.plan.audit_rows import demand_balance, latency
from capacity.problem import FLOW_VARIABLES
from capacity.solving import Options, solve
from tests.support.random_network import KINDS, random_network

TRAFFIC = {"flow", "busier", "via", "ship", "template", "still_serve", "still_use", "still_via", "still_ship",
           "still_flow"}


@pytest.fixture(scope="module")
def whole():
    problem = random_network(2)
    return problem, solve(problem, Options(gap=0.05, threads=1))


def stages(solution):
    return pd.DataFrame([(s.order, s.objective) for s in solution.stages], columns=["order", "objective"])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_traffic_passes(kind):
    problem = random_network(5, (kind,))
    solution = solve(problem, Options(gap=0.05, threads=1))
    report = audit(None, problem, solution.values, stages(solution))
    check_audit(report)
    checked = report.set_index("topic")["rows_checked"]
    after = [topic for topic in checked.index if topic.startswith("after failures: ")]
    assert len(after) >= 4
    assert (checked[after] > 0).all()


def test_all_kinds_together_pass():
    problem = random_network(3)
    solution = solve(problem, Options(gap=0.05, threads=1))
    check_audit(audit(None, problem, solution.values, stages(solution)))


def test_without_failures_there_are_no_such_topics():
    problem = random_network(3, failures=False)
    solution = solve(problem, Options(gap=0.05, threads=1))
    report = audit(None, problem, solution.values, stages(solution))
    check_audit(report)
    assert not report["topic"].str.startswith("after failures").any()


def test_all_variables_take_part(whole):
    _, solution = whole
    assert {name for name in FLOW_VARIABLES if len(solution.values.get(name, ()))} >= TRAFFIC | {"hose_out"}


def worst(problem, values):
    """Largest relative violation by topic, of those that speak of traffic and failures."""
    checks = {"demand": demand_balance, "latency": latency, "links": links, **asked_topics(problem)}
    found = {topic: check(problem, values) for topic, check in checks.items()} | failure_rows(problem, values)
    size = {topic: frame[["lhs", "rhs"]].abs().max(axis=1).clip(lower=1.0) for topic, frame in found.items()}
    return {topic: (frame["excess"] / size[topic]).max() for topic, frame in found.items() if len(frame)}


def test_as_it_is_nothing_is_broken(whole):
    problem, solution = whole
    assert max(worst(problem, solution.values).values()) <= 1e-6


@pytest.mark.parametrize("name", sorted(TRAFFIC))
def test_a_corrupted_value_is_found(whole, name):
    """Half as much, or half as much again, of the largest breaks a balance, a capacity or what it stands for."""
    problem, solution = whole
    table = solution.values[name].copy()
    at = table["value"].idxmax()
    table.loc[at, "value"] *= 0.5 if name in ("busier", "still_serve", "via", "template", "ship", "still_ship") else 1.5
    assert max(worst(problem, {**solution.values, name: table}).values()) > 1e-6, table.loc[at]


@pytest.mark.parametrize("name", ["hose_out", "hose_into"])
def test_a_certificate_that_is_too_small_is_found(whole, name):
    problem, solution = whole
    table = solution.values[name].assign(value=lambda t: t["value"] * 0.5)
    found = worst(problem, {**solution.values, name: table})
    assert max(found[t] for t in found if "certificate" in t) > 1e-6


@pytest.mark.parametrize("name", ["flow", "via", "ship", "still_flow", "still_via", "still_ship"])
def test_a_missing_row_is_found(whole, name):
    problem, solution = whole
    table = solution.values[name].sort_values("value").iloc[:-1]
    assert max(worst(problem, {**solution.values, name: table}).values()) > 1e-6


def test_fewer_modules_than_a_failure_needs_are_found(whole):
    problem, solution = whole
    table = solution.values["modules"].assign(value=lambda t: (t["value"] - 1).clip(lower=0))
    found = worst(problem, {**solution.values, "modules": table})
    assert found["after failures: links carry the traffic"] > 1e-6
