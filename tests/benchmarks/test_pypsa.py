"""Cases of benchmarks.pypsa: what they hold, and that PyPSA finds our optimum where it is installed."""

import pytest

from benchmarks.pypsa import AGREE, compared, installed, ours, table
from benchmarks.pypsa_cases import as_problem, case
from capacity.solving import Options, solve

needs_pypsa = pytest.mark.skipif(not installed(), reason="PyPSA is not installed: pip install 'capacity[pypsa]'")


def test_cases_differ_and_are_made_again_alike():
    assert case(3).demand.equals(case(3).demand)
    assert case(3).whole
    assert not case(4).whole
    assert {len(case(seed).sites) for seed in range(6)} == {2, 3}


@pytest.mark.parametrize("seed", [2, 3])
def test_a_case_builds_buys_and_lights(seed):
    """So that the comparison is not one of shortages alone."""
    solution = solve(as_problem(case(seed)), Options(gap=0.0, threads=1))
    assert all(solution.values[name]["value"].sum() > 0 for name in ("built", "bought", "modules", "serve"))
    short, asked = solution.values["short"]["value"].sum(), case(seed).demand["amount"].sum()
    assert short < 0.9 * asked


def test_a_price_paid_once_is_the_same_by_the_year():
    given = case(2)
    first, last = given.years[0], given.years[-1]
    assert given.weight(first, 1) == 1
    assert given.weight(last, 9) == pytest.approx(given.discount[last])


@needs_pypsa
@pytest.mark.parametrize("seed", [2, 3])
def test_pypsa_agrees(seed):
    line = compared(seed)
    assert line["agree"], table([line])
    assert line["difference"] <= AGREE
    assert line["ours"] == ours(case(seed))
