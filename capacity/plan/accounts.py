"""Accounts of a plan: prices with a margin, depreciation and what is left over, debt; power on site, terms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.plan.buildout import pod_words
from capacity.plan.columns import MILLION, THOUSAND, conform
from capacity.plan.money import bills, lives
from capacity.plan.quantities import (
    TERM_KEY,
    Values,
    blocks_standing,
    chosen,
    costs_per_unit,
    halls_standing,
    slice_shares,
    tidy,
)
from capacity.plan.training import recovered
from capacity.problem import Problem
from capacity.scenario.schema import Scenario


def prices_table(schedule: pd.DataFrame, scenario: Scenario | None, runs: pd.DataFrame) -> pd.DataFrame:
    """Plan table `prices`; empty for a problem without a scenario, which has no margin and no price year.

    Prices hold the year's cost, where training `runs` are recovered later their instalments in place of their cost.
    """
    if scenario is None:
        return conform("prices", pd.DataFrame({"year": []}))
    money = scenario.money
    sold = 1 / (1 - money.margin)
    real = (1 + money.general_inflation) ** -(schedule["year"] - money.price_year).astype(float)
    moved, back = recovered(runs, scenario, schedule["year"])
    spent = runs.groupby("year")["cost_usd"].sum().reindex(schedule["year"]).fillna(0.0).to_numpy()
    hours = (schedule["annual_cost_usd"] / schedule["usd_per_instance_hour"]).replace(0.0, np.nan)
    charged = 1 + (back - moved).to_numpy() / schedule["annual_cost_usd"].replace(0.0, np.nan)
    hour = schedule["usd_per_instance_hour"] * charged * sold
    tokens = schedule["usd_per_million_output_tokens"] * charged * sold
    return conform("prices", pd.DataFrame({
        "year": schedule["year"], "cost_usd_per_instance_hour": schedule["usd_per_instance_hour"],
        "price_usd_per_instance_hour": hour, "real_price_usd_per_instance_hour": hour * real,
        "price_usd_per_million_output_tokens": tokens, "real_price_usd_per_million_output_tokens": tokens * real,
        "price_year": money.price_year,
        "training_usd_per_instance_hour": (spent - moved.to_numpy() + back.to_numpy()) / hours,
    }))


def accounts_table(problem: Problem, values: Values, scenario: Scenario | None) -> pd.DataFrame:
    """Plan table `accounts`: straight-line depreciation of purchases over their lives from the year of service.

    What was paid ahead of service stands in the books at its price; what retires early is written off as planned.
    """
    years = np.array(problem.table("periods")["period"], dtype=float)
    paid = bills(costs_per_unit(problem), problem, values)
    paid = paid[(paid["kind"] == "capex") & (paid["cash"] != 0)]
    invested = paid.groupby("year")["cash"].sum().reindex(years).fillna(0.0).to_numpy()
    bought = paid.merge(lives(problem), on=TERM_KEY)
    since, life = (bought[c].to_numpy(dtype=float)[:, None] for c in ("period", "life"))
    serves = (years[None, :] >= since) & (years[None, :] < since + life)
    written = (bought["cash"].to_numpy(dtype=float)[:, None] / life * serves).sum(axis=0)
    book = invested.cumsum() - written.cumsum()
    share, rate = (scenario.money.debt_share, scenario.money.debt_rate) if scenario is not None else (0.0, 0.0)
    return conform("accounts", pd.DataFrame({
        "year": years.astype(int), "invested_usd": invested * MILLION, "depreciation_usd": written * MILLION,
        "book_usd": book * MILLION, "debt_usd": book * share * MILLION, "interest_usd": book * share * rate * MILLION,
    }))


def onsite_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `onsite`: blocks in service that nothing stands in, and what they gave."""
    key = ["place", "block", "period"]
    standing = blocks_standing(problem, values)
    halls = halls_standing(problem, values)[key].assign(hall=True)
    own = standing.merge(halls, on=key, how="left")
    own = own[own["hall"].isna() & (own["blocks"] > 0)].drop(columns="hall")
    own = own.merge(tidy(chosen(values, "built")), on=key, how="left")
    given = pd.concat([
        chosen(values, "draw").rename(columns={"source": "block"}),
        chosen(values, "discharge").rename(columns={"store": "block"}),
    ]).merge(slice_shares(problem), on="slice")
    mean = given.assign(mean_mw=given["value"] * given["share"]).groupby(key, as_index=False)[["mean_mw"]].sum()
    own = own.merge(mean, on=key, how="left").fillna({"mean_mw": 0.0, "value": 0.0})
    own = own.rename(columns={"place": "site", "block": "name", "period": "year", "value": "built", "amount": "mw"})
    return conform("onsite", own.sort_values(["year", "site", "name"]))


def reservations_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `reservations`: terms signed."""
    key = ["place", "asset", "contract", "period"]
    signed = tidy(chosen(values, "reserve")).merge(problem.table("reservations")[[*key, "life"]], on=key)
    signed = signed.merge(pod_words(problem), on="asset")
    signed = signed.assign(accelerators=signed["value"] * THOUSAND, last=signed["period"] + signed["life"] - 1)
    signed = signed.rename(columns={"place": "site", "period": "year"})
    return conform("reservations", signed.sort_values(["year", "site", "accelerator"]))
