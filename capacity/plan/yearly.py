"""The plan year by year."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from capacity.plan.binding import binds_by_year
from capacity.plan.columns import conform
from capacity.plan.quantities import Values, opened
from capacity.plan.service import busiest_slices, service_by_slice
from capacity.plan.tokens import cost_per_million
from capacity.problem import Problem

OPEN = 1e-3
"""Share from which on a place counts as open."""


def schedule_table(
    problem: Problem, values: Values, tables: Mapping[str, pd.DataFrame], worth: pd.DataFrame
) -> pd.DataFrame:
    """Plan table `schedule`: one row a year; `worth` (year, work_years, output_tokens) as of `tokens.worth_by_year`.

    `usd_per_instance_hour` is the year's annual cost (equal nominal annuities of purchases over their service years
    inside the horizon, as the objective charges them, plus what is paid per year of service) over the instance-hours
    served in it; NaN where none are. `instances_*` are of the slice of the day with the largest demand.
    """
    years = problem.table("periods")[["period"]].rename(columns={"period": "year"}).sort_values("year")
    out = years.merge(_service(problem, values), on="year", how="left")
    power = tables["power"].groupby("year", as_index=False)[["facility_mw", "it_mw", "carbon_kt"]].sum()
    energy = tables["power"].groupby("year", as_index=False)[["energy_gwh"]].sum(min_count=1)
    held = pd.concat([tables["fleet"], tables["rentals"]]).groupby("year", as_index=False)[["accelerators"]].sum()
    bought = tables["pods"].groupby("vintage", as_index=False)[["accelerators"]].sum()
    bought = bought.rename(columns={"vintage": "year", "accelerators": "accelerators_bought"})
    lit = tables["links"].groupby("year", as_index=False)[["gbps"]].sum().rename(columns={"gbps": "link_gbps"})
    for part in (power, energy, held, bought, lit, _money(tables["money"]), _sites(problem, values, tables)):
        out = out.merge(part, on="year", how="left")
    numbers = [c for c in out.columns if c not in {"year", "new_sites"}]
    out[numbers] = out[numbers].fillna(0.0)
    out = out.merge(worth, on="year", how="left")
    cost = out["annual_cost_usd"] / out["instance_hours_served"].replace(0.0, np.nan)
    binds = out["year"].map(binds_by_year(problem, tables["limits"]))
    tokens = cost_per_million(out["annual_cost_usd"], out["output_tokens"])
    return conform("schedule", out.assign(
        usd_per_instance_hour=cost, usd_per_million_output_tokens=tokens, binds=binds,
    ))


def _service(problem: Problem, values: Values) -> pd.DataFrame:
    rows = service_by_slice(problem, values)
    hours = rows["hours"] * rows["years"]
    rows = rows.assign(
        hours_demanded=rows["demanded"] * hours, instance_hours_served=rows["served"] * hours,
        hours_short=rows["short"] * hours,
    )
    slices = rows.groupby(["year", "slice"], as_index=False)[["demanded", "served", "short"]].sum()
    peak = slices.merge(busiest_slices(rows), on=["year", "slice"])
    sums = rows.groupby("year", as_index=False)[["hours_demanded", "instance_hours_served", "hours_short"]].sum()
    both = peak.merge(sums, on="year").rename(columns={c: f"instances_{c}" for c in ("demanded", "served", "short")})
    missing = both["hours_short"] / both["hours_demanded"].replace(0.0, np.nan)
    return both.assign(short_share=missing).drop(columns="slice")


def _money(money: pd.DataFrame) -> pd.DataFrame:
    cash = money.pivot_table(index="year", columns="kind", values="cash_usd", aggfunc="sum", fill_value=0.0)
    cash = cash.reindex(columns=["capex", "opex"], fill_value=0.0).add_suffix("_usd").reset_index()
    annual = money.groupby("year", as_index=False)[["annual_cost_usd"]].sum()
    return cash.merge(annual, on="year")


def _sites(problem: Problem, values: Values, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """(year, sites, new_sites): sites in use are those with phases, accelerators or an opening of their own."""
    is_open = opened(problem, values)
    must = is_open[is_open["place"].isin(problem.table("openings")["place"]) & (is_open["opened"] > OPEN)]
    in_use = pd.concat([
        must.rename(columns={"place": "site", "period": "year"})[["site", "year"]],
        tables["power"][["site", "year"]], tables["rentals"][["site", "year"]],
    ]).drop_duplicates()
    count = in_use.groupby("year", as_index=False).agg(sites=("site", "nunique")).astype({"sites": float})
    new = tables["openings"].groupby("year", as_index=False).agg(new_sites=("site", ", ".join))
    return count.merge(new, on="year", how="outer")
