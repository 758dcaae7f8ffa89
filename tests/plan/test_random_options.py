"""Random small problems with random subsets of all optional features: solved, then audited."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.plan import assemble, audit, check_audit
from capacity.solving import Options, solve
from tests.support.random_options import FEATURES, with_options

SETTINGS = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def solved_and_audited(seed, features, order):
    problem = with_options(seed, features, order)
    solution = solve(problem, Options(gap=0.0, threads=1))
    plan = assemble(None, problem, solution)
    report = audit(None, problem, solution.values, plan.stages, plan.tables)
    check_audit(report)
    return problem, solution, report


@settings(max_examples=6, **SETTINGS)
@given(seed=st.integers(0, 10_000), features=st.sets(st.sampled_from(FEATURES)),
       order=st.sampled_from([("shortage", "cost"), ("cost_and_shortage",)]))
def test_any_subset_of_features_is_solved_and_audited(seed, features, order):
    solved_and_audited(seed, features, order)


@pytest.mark.long
@settings(max_examples=150, **SETTINGS)
@given(seed=st.integers(0, 1_000_000), features=st.sets(st.sampled_from(FEATURES)),
       order=st.sampled_from([("shortage", "cost"), ("cost_and_shortage",), ("served", "cost")]))
def test_many_subsets_of_features_are_solved_and_audited(seed, features, order):
    solved_and_audited(seed, features, order)


def test_all_features_at_once():
    _, solution, report = solved_and_audited(3, set(FEATURES), ("shortage", "cost"))
    assert {"places given up", "orders", "stores", "moves of classes", "what losses leave"} <= set(report["topic"])
    assert solution.status == "optimal"
