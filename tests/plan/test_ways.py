"""The limit to listed ways is kept in the plan and told, whatever it costs."""

import json

import pandas as pd
import pytest

from capacity.plan import assemble, load_plan, print_schedule, save_plan
from capacity.plan.ways import ways_limit, ways_told
from capacity.problem import Problem
from capacity.solving import Options, solve
from tests.solving.test_unrestricted import RTT, problem

LINKS = pd.DataFrame({"link": list(RTT), "rtt_ms": list(RTT.values())})


def worded(**changes):
    bare = problem(**changes)
    return Problem.of(dict(bare.tables), {"links": LINKS}, bare.name)


def planned(**changes):
    asked = worded(**changes)
    return assemble(None, asked, solve(asked, Options(gap=0.0)))


def test_a_plan_keeps_what_further_ways_could_bring(tmp_path, capsys):
    plan = planned(both=False)
    (cost,) = plan.summary["ways"]["goals"]
    assert cost["bound_listed"] == pytest.approx(22)
    assert cost["bound_any"] <= 4
    assert (plan.summary["ways"]["listed"], cost["pairs"], plan.summary["ways"]["why"]) == (1, 1, None)
    save_plan(plan, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "plan.json").read_text())["summary"]["ways"] == plan.summary["ways"]
    print_schedule(load_plan(tmp_path / "run"))
    told = " ".join(capsys.readouterr().out.split())
    assert "Users may take the 1 lit way listed, a restriction: over any ways the bound of least cost is" in told
    assert "over the listed ones 22, with 1 pair of" in told


def test_a_limit_that_costs_nothing_is_said():
    assert ways_told(planned(both=True).summary["ways"]).endswith("no further way improves the relaxation of any goal.")


def test_what_is_not_priced_is_said():
    bare = problem(both=False)
    stages = pd.DataFrame({"objective": [22.0]})
    assert "round trips are not known" in ways_told(ways_limit(bare, stages, 5.0))


def lost(link):
    return pd.DataFrame({"case": ["x"], "kind": ["link"], "element": [link], "period": [1], "slice": ["all"]})


def test_with_what_may_be_lost_the_bounds_leave_it_out_and_say_so():
    stages = pd.DataFrame({"objective": [22.0]})
    told = ways_told(ways_limit(worded(both=False, failures=lost("A-C")), stages, 5.0))
    assert "over any ways the bound of least cost is" in told
    assert told.endswith("what may be lost is left out of these bounds, so they hold with it.")
    told = ways_told(ways_limit(worded(both=True, failures=lost("A-B")), stages, 5.0))
    assert "costs nothing while nothing is lost" in told


def test_a_plan_without_ways_has_no_such_key(plan):
    assert "ways" not in plan.summary
    assert ways_limit(plan.problem, plan.stages, 5.0) is None
