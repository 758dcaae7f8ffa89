"""The audit: a plan's values against every constraint and every goal, with pandas alone.

It knows the tables of the waist and, where given, the scenario; it imports neither the formulation nor the solver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from capacity.errors import AuditError
from capacity.plan import audit_rows as rows
from capacity.plan.audit_failures import failure_rows
from capacity.plan.audit_losses import told_of_losses
from capacity.plan.audit_network import asked_topics, links
from capacity.plan.audit_options import OPTIONAL_TOPICS
from capacity.plan.audit_scenario import scenario_rows
from capacity.plan.money import bills
from capacity.plan.quantities import TERM_KEY, Values, chosen, costs_per_unit, quantities, table_costs, times_asked
from capacity.problem import Problem
from capacity.scenario.schema import Scenario

TOLERANCE = 1e-6
"""Largest relative violation that `check_audit` accepts: the solver's own feasibility tolerance."""

TOPICS: dict[str, Callable[[Problem, Values], pd.DataFrame]] = {
    "only what the problem offers": rows.known_keys,
    "bounds": rows.bounds,
    "whole numbers": rows.whole_numbers,
    "demand is served or short": rows.demand_balance,
    "single source": rows.one_source,
    "latency": rows.latency,
    "only from open places": rows.only_open_places,
    "a place opens with a block": rows.open_with_block,
    "blocks within grid and land": rows.block_totals,
    "vintages only shrink": rows.vintages,
    "use only what serves": rows.stock,
    "blocks carry what stands": rows.resources,
    "shares of variants": rows.shares,
    "links carry the traffic": links,
    "limits": rows.limits,
}


def goal_values(problem: Problem, values: Values) -> pd.DataFrame:
    """(order, goal, tolerance, value): each goal of the problem recomputed, in waist units, as minimised.

    shortage: sum of weight x share of the year x short; served: the same of what is not short, negated; cost: every
    discounted cost column of the tables; cost_and_shortage: with the price of what is short; surplus: less the worth of
    all that is asked for; worst_shortage: the largest shortage of a period; any other: its rows of `goal_terms`.
    """
    goals = problem.table("goals").sort_values("order")
    if not len(goals):
        goals = pd.DataFrame({"order": [1], "goal": ["cost"], "tolerance": [0.0]})
    demands = problem.table("demands").merge(times_asked(problem), on="slice")
    short = demands.merge(chosen(values, "short"), on="demand", how="left").fillna({"value": 0.0})
    weight = short["weight"] * short["share"]
    cost = float(bills(table_costs(problem), problem, values)["objective"].sum())
    known = {
        "shortage": float((weight * short["value"]).sum()),
        "served": -float((weight * (short["amount"] - short["value"])).sum()),
        "cost": cost,
        "cost_and_shortage": cost + float((short["shortage_price"] * short["value"]).sum()),
        "surplus": cost - float((short["shortage_price"] * (short["amount"] - short["value"])).sum()),
        "worst_shortage": float((weight * short["value"]).groupby(short["period"]).sum().max()) if len(short) else 0.0,
        **_stated_goals(problem, values),
    }
    return goals.assign(value=goals["goal"].map(known))[["order", "goal", "tolerance", "value"]].reset_index(drop=True)


def _stated_goals(problem: Problem, values: Values) -> dict[str, float]:
    terms = problem.table("goal_terms")
    if not len(terms):
        return {}
    each = terms.merge(quantities(problem, values), on=TERM_KEY, how="left").fillna({"value": 0.0})
    total = (each["coefficient"] * each["value"]).groupby(each["goal"]).sum()
    return {str(goal): float(value) for goal, value in total.items()}


def audit(
    scenario: Scenario | None, problem: Problem, values: Values, stages: pd.DataFrame | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """(topic, rows_checked, largest_violation, relative, worst_row): one row for each kind of constraint and each goal.

    Violations are in the units of the waist; `relative` divides each by max(1, |lhs|, |rhs|) and takes the largest.
    With `stages` (order, objective of the solve), each goal's recomputed value must agree with the solve's; with a
    scenario, its budgets, demand, latency limits and catalogue of names are checked too; with the plan's `tables`, what
    they tell of losses.
    """
    asked = {topic: check for topic, (table, check) in OPTIONAL_TOPICS.items() if len(problem.table(table))}
    asked |= asked_topics(problem)
    found = [_summary(topic, check(problem, values)) for topic, check in {**TOPICS, **asked}.items()]
    found += [_summary(topic, frame) for topic, frame in failure_rows(problem, values).items()]
    if tables is not None:
        found += [_summary(topic, frame) for topic, frame in told_of_losses(problem, values, tables).items()]
    found.append(_summary("costs by topic add up", _topic_costs(problem, values)))
    if stages is not None:
        goals = goal_values(problem, values).merge(stages[["order", "objective"]], on="order")
        last = goals["order"] == goals["order"].max()
        for (_, goal), final in zip(goals.iterrows(), last, strict=True):
            found.append(_summary(f"goal {goal['order']}: {goal['goal']}", _goal_row(goal, bool(final))))
    if scenario is not None:
        found += [_summary(topic, frame) for topic, frame in scenario_rows(scenario, problem, values).items()]
    return pd.DataFrame(found)


def _topic_costs(problem: Problem, values: Values) -> pd.DataFrame:
    """The costs in the user's words against the cost columns of the tables: objective, variable by variable."""
    told = bills(costs_per_unit(problem), problem, values).groupby("variable")["objective"].sum()
    meant = bills(table_costs(problem), problem, values).groupby("variable")["objective"].sum()
    both = pd.DataFrame({"told": told, "meant": meant}).fillna(0.0).reset_index()
    return rows.equal(both, ["variable"], both["told"], both["meant"])


def _goal_row(goal: pd.Series, final: bool) -> pd.DataFrame:
    """The last goal must equal its objective; an earlier one may give up its tolerance to later ones."""
    value, objective = float(goal["value"]), float(goal["objective"])
    allowed = 0.0 if final else float(goal["tolerance"]) * abs(objective)
    excess = abs(value - objective) if final else value - objective - allowed
    return pd.DataFrame({"row": [f"recomputed {value:.9g}"], "lhs": [value], "rhs": [objective], "excess": [excess]})


def _summary(topic: str, frame: pd.DataFrame) -> dict[str, object]:
    if not len(frame):
        return {"topic": topic, "rows_checked": 0, "largest_violation": 0.0, "relative": 0.0, "worst_row": ""}
    excess = frame["excess"].clip(lower=0.0)
    scale = frame[["lhs", "rhs"]].abs().max(axis=1).clip(lower=1.0)
    relative = excess / scale
    worst = int(relative.to_numpy().argmax())
    violated = bool(relative.iloc[worst] > 0)
    return {
        "topic": topic, "rows_checked": len(frame), "largest_violation": float(excess.max()),
        "relative": float(relative.iloc[worst]),
        "worst_row": _told(frame.iloc[worst]) if violated else "",
    }


def _told(row: pd.Series) -> str:
    return f"{row['row']}: {row['lhs']:.9g} against {row['rhs']:.9g}"


def check_audit(report: pd.DataFrame, tolerance: float = TOLERANCE) -> None:
    """Raises AuditError naming every topic of an audit whose relative violation exceeds the tolerance or is NaN."""
    bad = report[~(report["relative"] <= tolerance)]
    if len(bad):
        lines = [f"{r.topic}: {r.relative:.2g} relative at {r.worst_row}" for r in bad.itertuples()]
        raise AuditError("the audit found a plan that breaks its own problem:\n  " + "\n  ".join(lines))
