"""Why there is no plan, in the user's words."""

import pytest

from capacity.errors import InfeasibleError
from capacity.problem import build_problem
from capacity.solving import Options, solve
from tests.support.scenarios import FLAT, round_catalogue, scenario

DEMAND = {"classes": {"chat": {"start": "1 million", "end": "2 million"}}, "split": {"usa": 1.0}, "must_serve": True}


@pytest.fixture
def why(tmp_path):
    """The message of a scenario that has no plan."""
    def _why(**changes):
        asked = scenario(links={"include": False}, demand=DEMAND, **changes)
        with pytest.raises(InfeasibleError) as told:
            solve(build_problem(asked, round_catalogue(tmp_path)), Options(gap=0.01))
        return str(told.value)
    return _why


def test_a_budget_of_two_dollars_is_named(why):
    told = why(money={**FLAT, "capex_budget": {2027: 2.0}})
    assert "demand usa | chat | 2028 | all day must be served (short by 2,000 of 2,000 thousand instances)" in told
    needed = told.partition("what stands in the way is: limit capex budget 2027 (too tight by $")[2]
    assert 200 < float(needed.partition(" million at $2)")[0]) < 400


def test_a_budget_that_nearly_suffices_is_what_the_nearest_plan_misses(why):
    """Both years' demand takes 284 million in 2027."""
    told = why(money={**FLAT, "capex_budget": {2027: 2e8, 2028: 10.0}})
    assert told.endswith("misses: limit capex budget 2027 (short by $84.5 million of $200 million)")


def test_supply_is_named_without_dollars(why):
    told = why(supply={"accelerators": {2027: 100.0}})
    way = told.partition("what stands in the way is: ")[2]
    assert way.startswith("limit accelerator supply 202")
    assert "$" not in way


def test_what_no_limit_stands_in_the_way_of_says_so_by_silence(why):
    """No site may be ready in 2027: no money would help."""
    told = why(sites={"hamina": None}, phases={"size": "12.5 MW", "orders_from": 2027})
    assert "| 2027 | all day must be served" in told
    assert "stands in the way" not in told
