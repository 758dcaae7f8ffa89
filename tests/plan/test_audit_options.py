"""The audit of closing, ageing, contracts, energy and stability: solved plans pass, corrupted ones are found."""

import pandas as pd
import pytest

from capacity.errors import CapacityError
from capacity.plan import assemble, audit, check_audit
from capacity.solving import Options, solve
from tests.formulation import test_ageing, test_closing, test_contracts, test_energy, test_stability, test_training
from tests.support.frames import frame

PROBLEMS = {
    "closing": lambda: test_closing.problem(
        asset_cells=frame("place asset vintage max objective", ("N", "g", 3, 1.0, 2.0))),
    "ageing": lambda: test_ageing.problem((4.0, 2.0)),
    "contracts": lambda: test_contracts.problem(reservations=frame(
        "place asset contract period life max objective", ("S", "g", "three", 1, 3, 2.0, 3.0))),
    "energy": test_energy.problem,
    "stability": lambda: test_stability.problem(price=0.1),
    "training": test_training.problem,
}


@pytest.fixture(scope="module")
def solved():
    """{feature: (problem, values, stages)}; every one passes its audit as it is."""
    out = {}
    for name, make in PROBLEMS.items():
        problem = make()
        solution = solve(problem, Options(gap=0.0, threads=1))
        plan = assemble(None, problem, solution)
        report = audit(None, problem, solution.values, plan.stages)
        check_audit(report)
        out[name] = (problem, dict(solution.values), plan.stages)
    return out


def changed(table, row, value):
    """The table with the row of these keys set to a value, or added with it."""
    keys = [c for c in table.columns if c != "value"]
    same = [found == row for found in table[keys].itertuples(index=False, name=None)]
    other = table[[not s for s in same]]
    return pd.concat([other, pd.DataFrame([[*row, value]], columns=[*keys, "value"])], ignore_index=True)


@pytest.mark.parametrize(("feature", "variable", "row", "value", "topic"), [
    ("closing", "held", ("S", 1), 0.0, "places given up"),
    ("closing", "held", ("S", 2), 0.5, "whole numbers"),
    ("closing", "kept", ("S", "b", 2), 1.5, "blocks kept"),
    ("closing", "kept", ("S", "b", 3), 0.25, "blocks kept"),
    ("closing", "kept", ("S", "b", 1), 0.5, "blocks carry what stands"),
    ("ageing", "alive", ("S", "g", 1, 2), 1.0, "use only what serves"),
    ("contracts", "reserve", ("S", "g", "three", 1), 0.5, "use only what serves"),
    ("contracts", "reserve", ("S", "g", "three", 1), 2.5, "bounds"),
    ("contracts", "reserve", ("S", "g", "four", 1), 0.5, "only what the problem offers"),
    ("contracts", "bought", ("S", "g", 1), 3.0, "orders"),
    ("contracts", "ordered", ("lot",), 1.0, "orders"),
    ("energy", "draw", ("S", "grid", 1, "day"), 4.5, "sources give what they have"),
    ("energy", "draw", ("S", "grid", 1, "night"), 1.0, "energy is supplied"),
    ("energy", "discharge", ("S", "battery", 1, "day"), 0.9, "stores"),
    ("energy", "charge", ("S", "battery", 1, "night"), 1.1, "stores"),
    ("training", "train", ("B", "g", "big"), 0.0, "training runs"),
    ("training", "train", ("B", "g", "big"), 0.5, "whole numbers"),
    ("training", "train", ("A", "g", "big"), 1.0, "use only what serves"),
    ("training", "train", ("C", "g", "big"), 1.0, "only what the problem offers"),
    ("training", "alive", ("B", "g", 1, 1), 3.0, "training runs"),
    ("stability", "moved", ("c", "A", 2), 0.5, "moves of classes"),
    ("stability", "moved", ("c", "B", 2), 4.0, "moves of classes"),
])
def test_each_broken_rule_is_found_under_its_topic(solved, feature, variable, row, value, topic):
    problem, values, _ = solved[feature]
    table = values.get(variable, pd.DataFrame(columns=["order", "value"]))
    report = audit(None, problem, {**values, variable: changed(table, row, value)})
    found = report.set_index("topic").loc[topic]
    assert found["relative"] > 1e-3
    assert found["worst_row"] != ""
    with pytest.raises(CapacityError, match=topic):
        check_audit(report)


@pytest.mark.parametrize(("feature", "table"), [
    ("closing", "holdings"), ("closing", "block_upkeep"), ("ageing", "resale"), ("contracts", "reservations"),
    ("energy", "sources"), ("stability", "moves"), ("training", "training"),
])
def test_every_dollar_of_a_feature_is_recomputed(solved, feature, table):
    """With its prices ten per cent higher in the tables, the plan's objective no longer agrees with the audit."""
    from dataclasses import replace

    problem, values, stages = solved[feature]
    dearer = problem.table(table).assign(objective=lambda t: t["objective"] * 1.1)
    other = replace(problem, tables={**problem.tables, table: dearer})
    report = audit(None, other, values, stages).set_index("topic")
    assert report.loc["goal 1: cost", "largest_violation"] > 1e-3


def test_a_problem_without_a_feature_is_not_audited_for_it(solved):
    topics = set(audit(None, *solved["stability"][:2])["topic"])
    assert "moves of classes" in topics
    assert not {"stores", "places given up", "orders", "energy is supplied"} & topics
