"""Who is served from where, by which sharded copies, at which power: in the user's words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.plan.buildout import site_words
from capacity.plan.columns import THOUSAND, conform, word
from capacity.plan.quantities import Values, chosen, halls_standing, slice_shares, tidy
from capacity.problem import Problem
from capacity.scenario.schema import Scenario

MS = 1e3
"""Milliseconds in a second."""


def demand_words(problem: Problem) -> pd.DataFrame:
    """(demand, region, service_class, year, slice, hours, share, years, amount) of every demand row.

    What is asked for by the day stands in every slice with the day's mean.
    """
    rows = problem.table("demands")[["demand", "place", "commodity", "period", "slice", "amount"]]
    rows = rows.merge(word(problem, "demand"), on="demand", how="left")
    daily, slices = rows["slice"] == "", slice_shares(problem)
    rows = pd.concat([
        rows[~daily].merge(slices, on="slice"), rows[daily].drop(columns="slice").merge(slices, how="cross"),
    ], ignore_index=True) if daily.any() else rows.merge(slices, on="slice")
    rows = rows.merge(problem.table("periods")[["period", "years"]], on="period")
    region = rows["region"].where(rows["region"].notna() & (rows["region"] != ""), rows["place"])
    named = rows["service_class"].notna() & (rows["service_class"] != "")
    out = rows.assign(region=region, service_class=rows["service_class"].where(named, rows["commodity"]))
    out = out.rename(columns={"period": "year"})
    return out[["demand", "region", "service_class", "commodity", "year", "slice", "hours", "share", "years", "amount"]]


def placement_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `placement`."""
    serve = tidy(chosen(values, "serve")).merge(demand_words(problem), on="demand")
    serve = serve.merge(problem.table("assignments")[["demand", "place", "rtt"]], on=["demand", "place"])
    serve = serve.assign(instances=serve["value"] * THOUSAND).rename(columns={"place": "site", "rtt": "rtt_ms"})
    return conform("placement", serve.sort_values(["year", "slice", "region", "service_class", "site"]))


def service_by_slice(problem: Problem, values: Values) -> pd.DataFrame:
    """`demand_words` with `demanded`, `served`, `short`: concurrent instances of each demand."""
    rows = demand_words(problem)
    served = chosen(values, "serve").groupby("demand", as_index=False)[["value"]].sum()
    rows = rows.merge(served, on="demand", how="left")
    demanded, got = rows["amount"] * THOUSAND, rows["value"].fillna(0.0) * THOUSAND
    short = (demanded - got).where(demanded - got > 1e-6 * demanded, 0.0)
    return rows.assign(demanded=demanded, served=demanded - short, short=short)


def busiest_slices(rows: pd.DataFrame) -> pd.DataFrame:
    """(year, slice): the slice of each year with the largest demand in all, of rows of `service_by_slice`."""
    slices = rows.groupby(["year", "slice"], as_index=False)[["demanded", "short"]].sum()
    return slices.sort_values(["year", "demanded", "short"]).groupby("year", as_index=False).last()[["year", "slice"]]


def served_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `served`: by year, region and class; `instances_*` are of the cell's own busiest slice."""
    rows = service_by_slice(problem, values)
    key = ["year", "region", "service_class"]
    slices = rows.groupby([*key, "slice"], as_index=False)[["demanded", "served", "short"]].sum()
    peak = slices.sort_values([*key, "demanded", "short"]).groupby(key, as_index=False).last()
    hours = rows["hours"] * rows["years"]
    rows = rows.assign(
        mean_demanded=rows["demanded"] * rows["share"], mean_served=rows["served"] * rows["share"],
        mean_short=rows["short"] * rows["share"], instance_hours_demanded=rows["demanded"] * hours,
        instance_hours_served=rows["served"] * hours,
    )
    sums = ["mean_demanded", "mean_served", "mean_short", "instance_hours_demanded", "instance_hours_served"]
    out = rows.groupby(key, as_index=False)[sums].sum().merge(peak[[*key, "demanded", "served", "short"]], on=key)
    out = out.rename(columns={c: f"instances_{c}" for c in ("demanded", "served", "short")})
    whole = rows.merge(busiest_slices(rows), on=["year", "slice"])
    whole = whole.groupby(key, as_index=False)[["demanded", "served", "short"]].sum().rename(
        columns={c: f"peak_{c}" for c in ("demanded", "served", "short")}
    )
    peaks = ["peak_demanded", "peak_served", "peak_short"]
    out = out.merge(whole, on=key, how="left").fillna(dict.fromkeys(peaks, 0.0))
    return conform("served", out.sort_values(key))


def sharding_table(problem: Problem, values: Values, scenario: Scenario | None) -> pd.DataFrame:
    """Plan table `sharding`: every configuration in use, by year and site, against its class's limits.

    `meets_slo` is true only when known TTFT (with the network's share) and TPOT are within the scenario's limits;
    without a scenario it says whether the served round trips are within the configuration's slack.
    """
    use = tidy(chosen(values, "use")).merge(slice_shares(problem), on="slice")
    use = use.assign(mean=use["value"] * use["share"])
    used = use.groupby(["place", "activity", "period"], as_index=False).agg(peak=("value", "max"), mean=("mean", "sum"))
    activities = problem.table("activities")[["activity", "asset", "commodity", "output_per_unit", "slack"]]
    used = used.merge(activities, on="activity").merge(word(problem, "serving"), on="activity", how="left")
    far = placement_table(problem, values).groupby(["year", "site", "service_class"], as_index=False)[["rtt_ms"]].max()
    blank = used["service_class"].isna() | (used["service_class"] == "")
    used = used.assign(service_class=used["service_class"].mask(blank, used["commodity"]))
    used = used.rename(columns={"place": "site", "period": "year"}).merge(
        far, on=["year", "site", "service_class"], how="left"
    )
    chip = used["accelerator"].where(used["accelerator"].notna() & (used["accelerator"] != ""), used["asset"])
    used = used.assign(
        accelerator=chip, accelerators_used=used["peak"] * THOUSAND, mean_accelerators_used=used["mean"] * THOUSAND,
        instances=used["peak"] * used["output_per_unit"] * THOUSAND, copy_accelerators=used["accelerators"],
        ttft_ms=used["ttft_s"] * MS, tpot_ms=used["tpot_s"] * MS, rtt_slack_ms=used["slack"],
        network_ms=np.minimum(used["rtt_ms"].fillna(0.0), used["slack"]),
    )
    order = ["year", "service_class", "site", "accelerators_used"]
    return conform("sharding", _against_limits(used, scenario).sort_values(order, ascending=[True, True, True, False]))


def _against_limits(used: pd.DataFrame, scenario: Scenario | None) -> pd.DataFrame:
    if scenario is None:
        inside = used["network_ms"] <= used["rtt_slack_ms"]
        return used.assign(ttft_limit_ms=np.nan, tpot_limit_ms=np.nan, meets_slo=inside)
    limits = pd.DataFrame(
        [(name, *((np.inf, np.inf) if c.batch else (c.ttft * MS, c.tpot * MS)))
         for name, c in scenario.classes.items()],
        columns=["service_class", "ttft_limit_ms", "tpot_limit_ms"],
    )
    used = used.merge(limits, on="service_class", how="left")
    rounding = 1 + 1e-6
    quick = used["ttft_ms"] + used["network_ms"] <= used["ttft_limit_ms"] * rounding
    return used.assign(meets_slo=quick & (used["tpot_ms"] <= used["tpot_limit_ms"] * rounding))


def power_table(problem: Problem, values: Values, fleet: pd.DataFrame) -> pd.DataFrame:
    """Plan table `power`. Energy: accelerators in use at their configuration's power, times mean PUE; NaN unknown."""
    key = ["year", "site"]
    sites = site_words(problem)
    standing = halls_standing(problem, values).rename(columns={"place": "site", "period": "year"})
    out = standing.groupby(key, as_index=False)[["amount"]].sum().rename(columns={"amount": "capacity_it_mw"})
    out = out.merge(fleet.groupby(key, as_index=False)[["it_mw"]].sum(), on=key, how="outer")
    out = out.merge(_energy(problem, values), on=key, how="outer", indicator="busy")
    out = out.assign(mw_hours=out["mw_hours"].mask(out["busy"] == "left_only", 0.0))
    out = out.fillna({"capacity_it_mw": 0.0, "it_mw": 0.0}).merge(sites, on="site")
    out = out.assign(
        facility_mw=out["capacity_it_mw"] * out["pue_peak"],
        energy_gwh=out["mw_hours"] * out["pue"] / 1e3,
    )
    out = out.assign(carbon_kt=out["energy_gwh"] * out["carbon_g_kwh"] / 1e3)
    if len(problem.table("sources")):
        known = ["energy_gwh", "carbon_kt"]
        out = out.drop(columns=known).merge(_drawn(problem, values), on=key, how="left")
        out = out.fillna(dict.fromkeys(known, 0.0))
    out = out[(out["capacity_it_mw"] > 0) | (out["it_mw"] > 0) | (out["busy"] != "left_only")]
    return conform("power", out.sort_values(key))


def _drawn(problem: Problem, values: Values) -> pd.DataFrame:
    """(year, site, energy_gwh, carbon_kt) of what sources give; carbon NaN where nobody says what is emitted."""
    draw = chosen(values, "draw").merge(slice_shares(problem), on="slice")
    emitted = word(problem, "sources")[["place", "source", "period", "slice", "g_kwh"]]
    draw = draw.merge(emitted, on=["place", "source", "period", "slice"], how="left")
    gwh = draw["value"] * draw["hours"] / 1e3
    draw = draw.assign(energy_gwh=gwh, carbon_kt=gwh * draw["g_kwh"] / 1e3)
    draw = draw.rename(columns={"place": "site", "period": "year"})
    return draw.groupby(["year", "site"], as_index=False)[["energy_gwh", "carbon_kt"]].sum(min_count=1)


def _energy(problem: Problem, values: Values) -> pd.DataFrame:
    """(year, site, mw_hours) of IT: thousand accelerators x W each = kW, over each slice's hours; NaN: unknown."""
    use = chosen(values, "use").merge(slice_shares(problem), on="slice")
    use = use.merge(problem.table("periods")[["period", "years"]], on="period")
    use = use.merge(word(problem, "serving")[["activity", "power_w_per_accelerator"]], on="activity", how="left")
    mw = use["value"] * use["power_w_per_accelerator"] / 1e3
    use = use.assign(mw_hours=mw * use["hours"] * use["years"]).rename(columns={"place": "site", "period": "year"})
    return use.groupby(["year", "site"], as_index=False)[["mw_hours"]].sum(min_count=1)
