"""What a scenario itself promises, recomputed from it: latency limits, round trips, budgets, demand."""

from __future__ import annotations

import pandas as pd

from capacity.plan.audit_rows import at_most, equal
from capacity.plan.buildout import site_words
from capacity.plan.columns import MILLION, THOUSAND
from capacity.plan.money import bills
from capacity.plan.quantities import Values, chosen, costs_per_unit
from capacity.plan.service import demand_words, placement_table, sharding_table
from capacity.problem import Problem
from capacity.scenario import by_year, capex_budget
from capacity.scenario.demand import path_by_year
from capacity.scenario.schema import Scenario

MS = 1e3
"""Milliseconds in a second."""


def scenario_rows(scenario: Scenario, problem: Problem, values: Values) -> dict[str, pd.DataFrame]:
    """{topic: rows (row, lhs, rhs, excess)} of what the scenario states and the plan must keep."""
    return {
        "scenario: latency limits": _latency_limits(scenario, problem, values),
        "scenario: hard round trips": _round_trips(scenario, problem, values),
        "scenario: budgets": _budgets(scenario, problem, values),
        "scenario: demand": _demand(scenario, problem),
        **({"scenario: sovereignty": _sovereignty(scenario, problem, values)} if scenario.sovereignty else {}),
    }


def _latency_limits(scenario: Scenario, problem: Problem, values: Values) -> pd.DataFrame:
    """TTFT with network and TPOT of every configuration in use, ms."""
    used = sharding_table(problem, values, scenario)
    used = used[~used["service_class"].isin([name for name, c in scenario.classes.items() if c.batch])]
    used = used[used["ttft_ms"].notna() | used["tpot_ms"].notna()]
    key = ["year", "site", "service_class", "variant", "accelerator"]
    reached = used["ttft_ms"] + used["network_ms"]
    first = at_most(used.assign(what="TTFT"), ["what", *key], reached, used["ttft_limit_ms"])
    token = at_most(used.assign(what="TPOT"), ["what", *key], used["tpot_ms"], used["tpot_limit_ms"])
    return pd.concat([first, token], ignore_index=True)


def _round_trips(scenario: Scenario, problem: Problem, values: Values) -> pd.DataFrame:
    """Round trip of everything served against the class's hard limit, ms."""
    hard = {name: c.max_rtt * MS for name, c in scenario.classes.items() if c.max_rtt is not None}
    placed = placement_table(problem, values)
    placed = placed[placed["service_class"].isin(list(hard))]
    limit = placed["service_class"].map(hard).astype(float)
    return at_most(placed, ["year", "region", "service_class", "site"], placed["rtt_ms"], limit)


def _sovereignty(scenario: Scenario, problem: Problem, values: Values) -> pd.DataFrame:
    """Instances served from a site that a rule does not name, nor the country it stands in."""
    placed = chosen(values, "serve").rename(columns={"place": "site"}).merge(demand_words(problem), on="demand")
    country = site_words(problem).set_index("site")["country"]
    parts = []
    for rule in scenario.sovereignty:
        rows = placed[placed["region"].isin(rule.regions)]
        rows = rows[rows["service_class"].isin(rule.classes)] if rule.classes else rows
        own = rows["site"].isin(rule.sites) | rows["site"].map(country).isin(rule.countries)
        zero = pd.Series(0.0, index=rows.index)
        foreign = rows["value"].abs().where(~own, 0.0) * THOUSAND
        parts.append(at_most(rows, ["year", "region", "service_class", "site"], foreign, zero))
    return pd.concat(parts, ignore_index=True)


def _budgets(scenario: Scenario, problem: Problem, values: Values) -> pd.DataFrame:
    """Nominal cash of each year of the horizon against the budgets, million USD."""
    years = list(range(scenario.years.first, scenario.years.last + 1))
    paid = bills(costs_per_unit(problem), problem, values).groupby(["kind", "year"])["cash"].sum()
    opex = scenario.money.opex_budget
    budgets = {"capex": capex_budget(scenario.money, years), "opex": None if opex is None else by_year(opex, years)}
    parts = []
    for kind, budget in budgets.items():
        if budget is None:
            continue
        spent, allowed = pd.Series([float(paid.get((kind, y), 0.0)) for y in years]), pd.Series(budget) / MILLION
        if scenario.money.carry_over:
            spent, allowed = spent.cumsum(), allowed.cumsum()
        frame = pd.DataFrame({"kind": kind, "year": years})
        parts.append(at_most(frame, ["kind", "year"], spent, allowed))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["row", "lhs", "rhs", "excess"])


def _demand(scenario: Scenario, problem: Problem) -> pd.DataFrame:
    """Instances asked of each class and year, over regions at their own busiest slice, against the scenario's path."""
    rows = demand_words(problem)
    slices = rows.groupby(["service_class", "year", "region", "slice"], as_index=False)[["amount"]].sum()
    busiest = slices.groupby(["service_class", "year", "region"], as_index=False)[["amount"]].max()
    total = busiest.groupby(["service_class", "year"])["amount"].sum() * THOUSAND
    tabled = {row.service_class for row in scenario.demand.table}
    parts = []
    for name, path in scenario.demand.classes.items():
        if name in tabled:
            continue
        meant = pd.Series(path_by_year(path, scenario.years))
        frame = pd.DataFrame({"class": name, "year": range(scenario.years.first, scenario.years.last + 1)})
        asked = pd.Series([float(total.get((name, y), 0.0)) for y in frame["year"]])
        parts.append(equal(frame, ["class", "year"], asked, meant))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["row", "lhs", "rhs", "excess"])
