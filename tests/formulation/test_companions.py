"""Companions: what a place serves only while another is in use."""

import pandas as pd
import pytest

from capacity.plan import assemble, audit, check_audit
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small

PAIRS = frame("place commodity companion", ("A", "c", "B"), ("B", "c", "A"), ("C", "c", "B"))


def problem(companions=PAIRS, slices=("all", "all"), **changes):
    """2 amounts are asked for in each of two periods. A costs 3 to open and B 4, C stands already; each amount served
    from C costs 5. B may be opened in the second period only."""
    tables = {
        "places": frame("place kind", ("A", "site"), ("B", "site"), ("C", "site"), ("R", "region")),
        "openings": frame("place period objective", ("A", 1, 3.0), ("A", 2, 3.0), ("B", 2, 4.0)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "", "c", 1.0)),
        "demands": frame("demand place commodity period slice amount must_serve", *(
            (f"d{y}", "R", "c", y, h, 2.0, False) for y, h in zip((1, 2), slices, strict=True))),
        "assignments": frame("demand place unit_cost", *(
            (f"d{y}", p, 5.0 if p == "C" else 0.0) for y in (1, 2) for p in "ABC")),
    }
    if companions is not None:
        tables["companions"] = companions
    return small(periods=(1, 2), order=("shortage", "cost"), **{**tables, **changes})


def solved(asked):
    """(shortage, cost, {(demand, place): amount served}) of the proven best plan, whose audit has passed."""
    solution = solve(asked, Options(gap=0.0))
    plan = assemble(None, asked, solution)
    check_audit(audit(None, asked, solution.values, plan.stages))
    served = solution.values["serve"].query("value > 1e-6").set_index(["demand", "place"])["value"].to_dict()
    return *(s.objective for s in solution.stages), served


def test_golden():
    check_golden("companions", problem())


def test_by_hand():
    """Without companions A serves all for 3. With them nobody may serve in the first period, for B is not there yet: 2
    are short. In the second, A beside B costs 3 + 4; C beside B 4 + 10."""
    assert solved(problem(None)) == (pytest.approx(0), pytest.approx(3), {("d1", "A"): 2, ("d2", "A"): 2})
    shortage, cost, served = solved(problem())
    assert (shortage, cost) == (pytest.approx(2), pytest.approx(7))
    assert {d for d, _ in served} == {"d2"}


def test_a_companion_that_stands_asks_for_no_row():
    """C stands from the start: A beside it serves both periods for its opening alone."""
    beside = frame("place commodity companion", ("A", "c", "C"))
    assert solved(problem(beside))[:2] == (pytest.approx(0), pytest.approx(3))


def test_a_companion_that_is_given_up_serves_no_longer():
    """C costs 9 to hold in the second period: A needs it, beside C or not at all, so it is held, 3 + 9. Where a
    shortage costs 8 less than that, it is given up after the first period."""
    beside = frame("place commodity companion", ("A", "c", "C"), ("B", "c", "C"))
    holdings = frame("place period objective", ("C", 1, 0.0), ("C", 2, 9.0))
    held = problem(beside, holdings=holdings)
    assert solved(held)[:2] == (pytest.approx(0), pytest.approx(12))
    demands = held.table("demands").assign(shortage_price=2.0)
    let_go = problem(beside, holdings=holdings, demands=demands,
                     goals=frame("order goal tolerance", (1, "cost_and_shortage", 0.0)))
    solution = solve(let_go, Options(gap=0.0))
    assert solution.stages[0].objective == pytest.approx(3 + 2 * 2)
    assert solution.values["held"].query("value > 0.5")["period"].tolist() == [1]


def test_work_by_the_day_needs_none():
    shortage, cost, _ = solved(problem(slices=("", "")))
    assert (shortage, cost) == (pytest.approx(0), pytest.approx(3))


def test_the_audit_finds_what_is_served_alone():
    asked = problem()
    solution = solve(asked, Options(gap=0.0))
    alone = pd.DataFrame({"place": ["A"], "period": [1], "value": [1.0]})
    report = audit(None, asked, {**solution.values, "open": alone}).set_index("topic")
    assert report.loc["companions", "largest_violation"] == pytest.approx(2)
