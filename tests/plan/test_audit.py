import pandas as pd
import pytest

from capacity.errors import CapacityError
from capacity.plan import audit, check_audit
from capacity.plan.audit import goal_values


def topics(problem, values, stages=None):
    return audit(None, problem, values, stages).set_index("topic")


def change(values, name, position, value):
    table = values[name].copy()
    table.loc[position, "value"] = value
    return {**values, name: table}


def test_the_paper_plan_passes(problem, values, plan):
    report = audit(None, problem, values, plan.stages)
    check_audit(report)
    assert (report["relative"] == 0).all()
    empty = {"single source"}
    assert set(report.loc[report["rows_checked"] == 0, "topic"]) == empty


def test_goals_recomputed(problem, values):
    goals = goal_values(problem, values).set_index("goal")["value"]
    assert goals["shortage"] == pytest.approx(2.0)
    assert goals["cost"] == pytest.approx(148.0)


@pytest.mark.parametrize(("name", "position", "value", "topic", "violation"), [
    ("serve", 1, 7.0, "demand is served or short", 1.0),
    ("serve", 0, -1.0, "bounds", 1.0),
    ("bought", 0, 4.0, "bounds", 1.0),
    ("bought", 0, 1.5, "whole numbers", 0.5),
    ("use", 1, 3.5, "latency", 1.0),
    ("use", 1, 4.5, "use only what serves", 0.5),
    ("alive", 1, 2.5, "vintages only shrink", 0.5),
    ("alive", 2, 2.5, "vintages only shrink", 0.5),
    ("alive", 0, 100.0, "blocks carry what stands", 50.0),
    ("built", 0, 2.0, "blocks within grid and land", 1.0),
    ("built", 0, 0.0, "a place opens with a block", 1.0),
    ("open", 0, 0.5, "only from open places", 3.0),
    ("bought", 1, 3.0, "limits", 1.0),
    ("modules", 1, 0.0, "links carry the traffic", 60.0),
    ("serve", 1, 9.0, "latency", 1.0),
    ("use", 1, 5.0, "shares of variants", 2.0),
])
def test_each_broken_rule_is_found_under_its_topic(problem, values, name, position, value, topic, violation):
    report = topics(problem, change(values, name, position, value))
    assert report.loc[topic, "largest_violation"] == pytest.approx(violation)
    assert report.loc[topic, "worst_row"] != ""
    with pytest.raises(CapacityError, match=topic):
        check_audit(report.reset_index())


def test_a_value_the_problem_does_not_offer(problem, values):
    extra = pd.DataFrame({"demand": ["d27"], "place": ["R"], "value": [0.25]})
    report = topics(problem, {**values, "serve": pd.concat([values["serve"], extra])})
    assert report.loc["only what the problem offers", "largest_violation"] == 0.25


def test_further_goals_recomputed(problem, values):
    """2 of 10 short in the second year; worth 3 an amount (5 served before), and 7 a unit of what runs."""
    from dataclasses import replace

    asked = problem.table("demands").assign(shortage_price=3.0)
    goals = pd.DataFrame({"order": [1, 2, 3], "goal": ["worst_shortage", "surplus", "heat"], "tolerance": 0.0})
    terms = pd.DataFrame({"goal": "heat", "variable": "use", "place": "S", "item": "run", "period": [2027, 2028],
                          "period2": 0, "slice": "all", "coefficient": 7.0})
    other = replace(problem, tables={**problem.tables, "demands": asked, "goals": goals, "goal_terms": terms})
    got = goal_values(other, values).set_index("goal")["value"]
    assert got.to_dict() == pytest.approx({"worst_shortage": 2.0, "surplus": 148.0 - 3 * 12, "heat": 7 * 6})


def test_a_round_trip_beyond_the_slack(problem, values):
    from dataclasses import replace

    far = problem.table("assignments").assign(rtt=[20.0, 51.0])
    report = topics(replace(problem, tables={**problem.tables, "assignments": far}), values)
    assert report.loc["latency", "largest_violation"] == pytest.approx(8.0)


def test_a_round_trip_equal_to_the_slack_is_borne(problem, values):
    from dataclasses import replace

    edge = problem.table("assignments").assign(rtt=[50.0, 50.0])
    report = topics(replace(problem, tables={**problem.tables, "assignments": edge}), values)
    assert report.loc["latency", "relative"] == 0


def test_a_wrong_objective_is_found(problem, values, plan):
    stages = plan.stages.assign(objective=[2.0, 147.0])
    report = topics(problem, values, stages)
    assert report.loc["goal 2: cost", "largest_violation"] == pytest.approx(1.0)


def test_a_later_goal_may_not_spoil_an_earlier_one(problem, values, plan):
    stages = plan.stages.assign(objective=[1.5, 148.0])
    assert topics(problem, values, stages).loc["goal 1: shortage", "largest_violation"] == pytest.approx(0.5)


def test_costs_in_words_that_do_not_add_up(problem, values):
    from dataclasses import replace

    from capacity.plan.quantities import table_costs

    costs = table_costs(problem)
    whole = replace(problem, words={**problem.words, "costs": costs})
    assert topics(whole, values).loc["costs by topic add up", "relative"] == 0
    short = replace(problem, words={**problem.words, "costs": costs.assign(objective=costs["objective"] * 0.5)})
    assert topics(short, values).loc["costs by topic add up", "largest_violation"] > 0


def test_single_source(problem, values):
    from dataclasses import replace

    demands = problem.table("demands").assign(single_source=True)
    extra = pd.DataFrame({"demand": ["d27"], "place": ["R"], "value": [1.0]})
    split = {**values, "serve": pd.concat([values["serve"], extra])}
    report = topics(replace(problem, tables={**problem.tables, "demands": demands}), split)
    assert report.loc["single source", "largest_violation"] == pytest.approx(1.0)


def test_a_solved_plan_passes(problem):
    from capacity.plan import assemble
    from capacity.solving import Options, solve

    solution = solve(problem, Options(gap=0.0, threads=1))
    plan = assemble(None, problem, solution)
    check_audit(audit(None, problem, solution.values, plan.stages))
    assert plan.tables["schedule"]["instances_served"].tolist() == [4000, 10000]
