"""Training runs of a plan: where, on what, at what cost; and how prices recover it.

    cost[n,y]     =  held[n,y] / accelerators[y] * fleet cost[y]  +  power and own cost[n,y]
    instalment    =  sum_y cost[n,y] * (1 + r)^(first - y) * annuity_due(r, years)     each year it is recovered over

with held the accelerators of the run times its share of the year, fleet cost the year's annual cost of all but energy
and training, and r the discount rate. What falls after the horizon is not in any price shown.
"""

from __future__ import annotations

import pandas as pd

from capacity.plan.buildout import pod_words
from capacity.plan.columns import MILLION, conform, word
from capacity.plan.money import bills
from capacity.plan.quantities import Values, chosen, costs_per_unit
from capacity.problem import Problem
from capacity.problem.money import annuity_due
from capacity.scenario.schema import Scenario

MONTHS = 12
OWN = ("energy", "training")
"""Topics of cost that a run pays by itself."""


def training_table(problem: Problem, values: Values, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Plan table `training`: each run by year; empty without runs. `tables` has schedule and money."""
    runs = chosen(values, "train")
    runs = runs[runs["value"] > 0.5].merge(word(problem, "training"), on=["place", "asset", "run"])
    if runs.empty:
        return conform("training", pd.DataFrame({"run": [], "year": []}))
    runs = runs.rename(columns={"place": "site", "period": "year"})
    runs = runs.rename(columns={"asset": "pod"}).merge(
        pod_words(problem)[["asset", "accelerator"]].rename(columns={"asset": "pod"}), on="pod")
    money, schedule = tables["money"], tables["schedule"].set_index("year")
    fleet = money[~money["topic"].isin(OWN)].groupby("year")["annual_cost_usd"].sum()
    each = (fleet / schedule["accelerators"]).reindex(runs["year"]).to_numpy()
    bill = bills(costs_per_unit(problem), problem, values)
    bill = bill[bill["topic"] == "training"].rename(columns={"slice": "run"})
    own = bill.groupby(["run", "year"])["cash"].sum()
    paid = own.reindex(pd.MultiIndex.from_frame(runs[["run", "year"]])).fillna(0.0).to_numpy() * MILLION
    return conform("training", runs.assign(
        months=runs["share"] * MONTHS, energy_gwh=runs["mwh"] / 1e3, carbon_kt=runs["tonnes"] / 1e3,
        cost_usd=each * runs["accelerators"] * runs["share"] + paid,
    ).sort_values(["run", "year"]))


def recovered(runs: pd.DataFrame, scenario: Scenario, years: pd.Series) -> tuple[pd.Series, pd.Series]:
    """(moved, recovered) USD by year: costs of runs that prices recover later, and the instalments that do so."""
    moved = pd.Series(0.0, index=years.to_numpy())
    back = moved.copy()
    rate = scenario.money.discount_rate
    for name, rows in runs.groupby("run"):
        over = scenario.training[str(name)].recover_over
        if over is None:
            continue
        first = int(rows["year"].max()) + 1
        moved = moved.add(rows.groupby("year")["cost_usd"].sum(), fill_value=0.0)
        worth = float((rows["cost_usd"] * (1 + rate) ** (first - rows["year"])).sum())
        back[(back.index >= first) & (back.index < first + over)] += worth * annuity_due(rate, over)
    return moved, back
