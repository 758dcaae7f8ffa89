"""Goals, training, progress, sovereignty, batch work, worth and site losses of scenarios: solved, told and audited."""

import pytest

from capacity.plan import assemble, audit, check_audit
from capacity.problem import build_problem
from capacity.solving import Options, solve
from tests.support.scenarios import round_catalogue, scenario

SITES = {
    "abilene": {"existing": 100, "grid_limit": 2000},
    "hamina": {"existing": 100, "grid_limit": 2000, "power_price": 0.3},
}
DEMAND = {"classes": {"chat": {"start": "300 thousand", "end": "300 thousand"}}, "split": {"usa": 0.75, "eu": 0.25}}


@pytest.fixture(scope="module")
def cat(tmp_path_factory):
    return round_catalogue(tmp_path_factory.mktemp("round"))


def planned(cat, gap=0.01, **changes):
    """(plan, values) of the round scenario with power at both sites; the audit has passed."""
    asked = scenario(**{"sites": SITES, "demand": DEMAND, "links": {"include": False}, **changes})
    problem = build_problem(asked, cat)
    solution = solve(problem, Options(gap=gap, threads=1, time_limit=60))
    plan = assemble(asked, problem, solution)
    check_audit(audit(asked, problem, solution.values, plan.stages))
    return plan, dict(solution.values)


@pytest.mark.parametrize("changes", [{}, {"energy": {}}])
def test_carbon_is_what_the_plan_reports(cat, changes):
    """The goal's value, in kilotonnes over the years, is the sum of plan table `power`'s carbon: dear power of 50 g/kWh
    in place of cheap power of 400."""
    plan, _ = planned(cat, goal={"kind": "least_carbon"}, time_slices=2, **changes)
    reached = plan.stages.set_index("goal").loc["carbon", "objective"]
    assert float(plan.tables["power"]["carbon_kt"].sum()) == pytest.approx(reached)
    dirty, _ = planned(cat, goal={"kind": "least_shortage_then_cost"}, time_slices=2, **changes)
    assert 0 < reached < 0.5 * float(dirty.tables["power"]["carbon_kt"].sum())
