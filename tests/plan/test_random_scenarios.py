"""Random small scenarios with random subsets of all features: built, solved, told and audited."""

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from capacity.errors import InfeasibleError
from capacity.plan import assemble, audit, check_audit
from capacity.problem import build_problem
from capacity.report.page import page
from capacity.solving import Options, solve
from tests.support.random_scenarios import FEATURES, MAY_FAIL, random_scenario
from tests.support.scenarios import round_catalogue

SETTINGS = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
SUBSETS = st.sets(st.sampled_from(sorted(FEATURES)), max_size=9)


@pytest.fixture(scope="module")
def cat(tmp_path_factory):
    return round_catalogue(tmp_path_factory.mktemp("round"))


def planned_and_audited(cat, seed, features):
    """The plan, whose audit has passed; None where what must be has no room."""
    asked = random_scenario(seed, features)
    problem = build_problem(asked, cat)
    try:
        solution = solve(problem, Options(gap=0.02, threads=1, time_limit=60))
    except InfeasibleError:
        assert features & MAY_FAIL
        event("infeasible")
        return None
    plan = assemble(asked, problem, solution)
    check_audit(audit(asked, problem, solution.values, plan.stages))
    return plan


@settings(max_examples=4, **SETTINGS)
@given(seed=st.integers(0, 10_000), features=SUBSETS)
def test_any_subset_of_features_is_planned_and_audited(cat, seed, features):
    planned_and_audited(cat, seed, features)


@pytest.mark.long
@settings(max_examples=150, **SETTINGS)
@given(seed=st.integers(0, 1_000_000), features=SUBSETS)
def test_many_subsets_of_features_are_planned_and_audited(cat, seed, features):
    planned_and_audited(cat, seed, features)


@pytest.mark.long
@pytest.mark.parametrize("feature", sorted(FEATURES))
def test_each_feature_alone_is_planned_audited_and_shown(cat, feature):
    plan = planned_and_audited(cat, 7, {feature})
    assert plan is not None
    assert "</html>" in page(plan)
