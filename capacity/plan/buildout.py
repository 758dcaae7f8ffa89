"""What is opened, built, bought, retired, rented and lit, in the user's words."""

from __future__ import annotations

import pandas as pd

from capacity.plan.columns import THOUSAND, conform, word
from capacity.plan.quantities import Values, chosen, halls_standing, links_lit, power_uses, tidy
from capacity.plan.traffic import link_traffic
from capacity.problem import Problem


def site_words(problem: Problem) -> pd.DataFrame:
    """Plan table `sites`: those of the problem's places that are no regions; PUE 1 where none is known."""
    places = problem.table("places")
    sites = places[places["kind"] != "region"][["place"]].rename(columns={"place": "site"})
    out = sites.merge(word(problem, "sites"), on="site", how="left")
    pue = out["pue"].fillna(1.0)
    name = out["name"].where(out["name"].notna() & (out["name"] != ""), out["site"])
    return conform("sites", out.assign(name=name, pue=pue, pue_peak=out["pue_peak"].fillna(pue)))


def openings_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `openings`."""
    opens = tidy(chosen(values, "open")).rename(columns={"place": "site", "period": "year"})
    return conform("openings", opens.sort_values(["year", "site"]))


def phases_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `phases`: rows where something is built or stands."""
    standing = halls_standing(problem, values)
    built = tidy(chosen(values, "built"))
    both = standing.merge(built, on=["place", "block", "period"], how="left")
    per_block = problem.table("blocks")[["place", "block", "capacity"]]
    both = both.merge(per_block, on=["place", "block"]).merge(
        site_words(problem)[["site", "pue_peak"]], left_on="place", right_on="site"
    )
    both = both.assign(built=both["value"].fillna(0.0))
    both = both.assign(
        it_mw=both["built"] * both["capacity"],
        facility_mw=both["built"] * both["capacity"] * both["pue_peak"],
        total_facility_mw=both["amount"] * both["pue_peak"],
    )
    both = both[(both["total_facility_mw"] > 0) | (both["built"] > 0)]
    both = both.rename(columns={"block": "phase", "period": "year"})
    return conform("phases", both.sort_values(["year", "site", "phase"]))


def pod_words(problem: Problem) -> pd.DataFrame:
    """(asset, accelerator, fabric, size): accelerators of one pod; for designs without words, their usable amount."""
    assets = problem.table("assets")[["asset", "unit_size"]]
    out = assets.merge(word(problem, "pods"), left_on="asset", right_on="pod", how="left")
    known = out["accelerator"].notna() & (out["accelerator"] != "")
    return pd.DataFrame({
        "asset": out["asset"], "accelerator": out["accelerator"].where(known, out["asset"]),
        "fabric": out["fabric"].where(known, ""), "size": out["size"].fillna(out["unit_size"] * THOUSAND),
    })


def pods_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `pods`: what is bought."""
    bought = tidy(chosen(values, "bought")).merge(pod_words(problem), on="asset")
    bought = bought.assign(accelerators=bought["value"] * bought["size"])
    bought = bought.rename(columns={"place": "site", "asset": "pod", "value": "pods"})
    return conform("pods", bought.sort_values(["vintage", "site", "pod"]))


def fleet_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `fleet`: owned accelerators in service by site, type and year; MW of all resources in MW together."""
    alive = tidy(chosen(values, "alive")).merge(pod_words(problem), on="asset")
    uses = power_uses(problem)
    alive = alive.merge(uses, on="asset", how="left")
    alive = alive.assign(
        accelerators=alive["value"] * alive["size"], it_mw=alive["value"] * alive["amount"].fillna(0.0)
    )
    alive = alive.rename(columns={"place": "site", "period": "year"})
    out = alive.groupby(["site", "accelerator", "year"], as_index=False)[["accelerators", "it_mw"]].sum()
    return conform("fleet", out.sort_values(["year", "site", "accelerator"]))


def retirements_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `retirements`: the drop of each vintage from one year to the next, inside the horizon."""
    cells = ["place", "asset", "vintage"]
    periods = sorted(problem.table("periods")["period"])
    follows = pd.DataFrame({"period": periods[:-1], "year": periods[1:]}).astype("int64")
    alive = chosen(values, "alive")
    held = alive.merge(follows, on="period")
    later = alive.rename(columns={"period": "year", "value": "later"})
    both = held.merge(later, on=[*cells, "year"], how="left")
    start = problem.table("committed")[[*cells, "count"]]
    never = start.merge(alive[alive["period"] == periods[0]][[*cells, "value"]], on=cells, how="left")
    never = never[never["vintage"] <= periods[0]].assign(
        gone=lambda t: t["count"] - t["value"].fillna(0.0), year=periods[0]
    )
    gone = pd.concat([both.assign(gone=both["value"] - both["later"].fillna(0.0)), never])
    gone = tidy(gone[[*cells, "year", "gone"]], "gone").merge(pod_words(problem), on="asset")
    gone = gone.assign(accelerators=gone["gone"] * gone["size"]).rename(columns={"place": "site", "asset": "pod"})
    return conform("retirements", gone.sort_values(["year", "site", "pod", "vintage"]))


def rentals_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `rentals`."""
    rent = tidy(chosen(values, "rent")).merge(pod_words(problem), on="asset")
    rent = rent.assign(accelerators=rent["value"] * THOUSAND).rename(columns={"place": "site", "period": "year"})
    out = rent.groupby(["site", "accelerator", "year"], as_index=False)[["accelerators"]].sum()
    return conform("rentals", out.sort_values(["year", "site", "accelerator"]))


def links_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `links`: every link and year with capacity."""
    cells = problem.table("modules")[["link", "module", "period", "capacity"]]
    new = tidy(chosen(values, "modules")).merge(cells, on=["link", "module", "period"])
    new = new.assign(new_gbps=new["value"] * new["capacity"]).rename(columns={"value": "modules"})
    new = new.groupby(["link", "period"], as_index=False)[["modules", "new_gbps"]].sum()
    used = link_traffic(problem, values).groupby(["link", "period"], as_index=False)[["load"]].max()
    out = links_lit(problem, values).rename(columns={"capacity": "gbps"})
    out = out.merge(new, on=["link", "period"], how="left").merge(used, on=["link", "period"], how="left")
    out = out.fillna({"modules": 0.0, "new_gbps": 0.0, "load": 0.0}).merge(
        problem.table("links")[["link", "from", "to"]], on="link"
    )
    out = out[out["gbps"] > 0].rename(columns={"period": "year", "load": "used_gbps"})
    return conform("links", out.sort_values(["year", "link"]))
