"""The sections of a plan's page, top to bottom: each takes the plan and gives markup."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from capacity.plan.model import Plan
from capacity.plan.numbers import count, dollars, gap, share, whole
from capacity.plan.proof import proofs
from capacity.report.charts import by_year, line, stacked
from capacity.report.marks import heat, table, tag
from capacity.report.world_map import world_map


def years_of(plan: Plan) -> list[int]:
    """Years of the horizon."""
    return [int(y) for y in plan.tables["schedule"]["year"]]


def card(title: str, note: str, body: str) -> str:
    """A chart with its title and one sentence."""
    return tag("div", tag("h3", escape(title)) + tag("p", escape(note)) + body, class_="card")


def figures(plan: Plan) -> str:
    """Key figures of the plan, its last year first."""
    last = plan.tables["schedule"].iloc[-1]
    year = int(last["year"])
    wages = plan.tables["regions"]["wage_usd_h"].dropna()
    against = "annual cost over hours served"
    if len(wages):
        against = f"against wages of ${wages.min():,.0f}–{wages.max():,.0f}/h"
    worst = plan.summary["gap"]
    shown = [
        (count(last["instances_served"]), f"instances served at the busiest hour of {year}"),
        (share(last["short_share"]), f"of {year}'s instance-hours not served"),
        (dollars(last["usd_per_instance_hour"], cents=True), f"per instance-hour in {year}, {against}"),
        (f"{whole(last['facility_mw'])} MW", f"facility power in {year}; sites in use: {last['sites']:.0f}"),
        (count(last["accelerators"]), f"accelerators in service in {year}"),
        (dollars(plan.summary["capex_usd"]), f"capex and {dollars(plan.summary['opex_usd'])} opex, nominal, all years"),
        ("–" if worst is None else gap(worst), "proven gap: no plan can be better by more, in any goal"),
    ]
    return tag("div", "".join(
        tag("div", tag("b", escape(n)) + tag("span", escape(t)), class_="figure") for n, t in shown
    ), class_="figures")


def schedule_section(plan: Plan) -> str:
    """The year-by-year table."""
    rows = []
    for r in plan.tables["schedule"].to_dict("records"):
        short = tag("span", share(r["short_share"]), class_="bad" if r["short_share"] > 0 else "good")
        rows.append([
            tag("b", str(r["year"])), count(r["instances_demanded"]), count(r["instances_served"]), short,
            f"{r['sites']:.0f}", whole(r["facility_mw"]), count(r["accelerators"]), count(r["accelerators_bought"]),
            count(r["link_gbps"]), dollars(r["capex_usd"]), dollars(r["opex_usd"]),
            dollars(r["usd_per_instance_hour"], cents=True), count(r["energy_gwh"] / 1e3),
        ])
    headers = [
        "year", "instances<br>wanted", "<br>served", "not served<br><small>% of hours</small>", "sites",
        "facility<br><small>MW</small>", "accelerators<br><small>in service</small>", "<br><small>bought</small>",
        "links<br><small>Gb/s</small>", "capex<br><small>$ nominal</small>", "opex<br><small>$ nominal</small>",
        "cost<br><small>$/instance-hour</small>", "energy<br><small>TWh</small>",
    ]
    return table(headers, rows)


def service_section(plan: Plan) -> str:
    """Instances wanted and served; cost per instance-hour."""
    years, schedule = years_of(plan), plan.tables["schedule"].set_index("year")
    wide = by_year(plan.tables["served"], "service_class", "mean_served", years)
    missing = plan.tables["served"].groupby("year")["mean_short"].sum()
    told = dict(zip(years, (1 - schedule["short_share"]).map(share), strict=True))
    label = "Instances served by class and year"
    served = stacked(wide, count, "instances, mean over the year", label,
                     dict(zip(years, missing.reindex(years, fill_value=0.0), strict=True)), told)
    cost = line(schedule["usd_per_instance_hour"], lambda v: dollars(v, cents=True), "$ per instance-hour",
                "Cost per instance-hour by year")
    note = "Averaged over the day; above each bar the share of hours served."
    left = card("Instances served and wanted", note, served)
    right = card(
        "Cost per instance-hour",
        "Equal yearly annuities of everything in service, plus energy, upkeep and rent, over the hours served.", cost,
    )
    return tag("div", left + right, class_="pair")


def fleet_section(plan: Plan) -> str:
    """Accelerators and money."""
    years = years_of(plan)
    held = pd.concat([plan.tables["fleet"], plan.tables["rentals"]])
    fleet = stacked(by_year(held, "accelerator", "accelerators", years), count, "accelerators in service",
                    "Accelerators in service by type and year")
    money = plan.tables["money"]
    paid_years = sorted(set(money.loc[money["cash_usd"] != 0, "year"].astype(int)) | set(years))
    cash = stacked(by_year(money, "topic", "cash_usd", paid_years), dollars, "nominal cash", "Cash by topic and year")
    left = card("Fleet", "Accelerators in service, spares and rented ones included.", fleet)
    right = card("Money", "Nominal cash in the year it is paid.", cash)
    return tag("div", left + right, class_="pair") + _pods(plan)


def _pods(plan: Plan) -> str:
    bought = plan.tables["pods"]
    if not len(bought):
        return ""
    years = years_of(plan)
    wide = bought.pivot_table(index="pod", columns="vintage", values="pods", aggfunc="sum", fill_value=0.0)
    wide = wide.reindex(columns=years, fill_value=0.0)
    rows = [(str(n), [float(v) for v in r]) for n, r in wide.iterrows()]
    return tag("h3", "Pods bought") + heat(["pod design", *map(str, years)], rows, count, float(wide.to_numpy().max()))


def sites_section(plan: Plan) -> str:
    """Map and MW by site and year."""
    return world_map(plan) + _site_years(plan) + _links(plan)


def _site_years(plan: Plan) -> str:
    years, sites = years_of(plan), plan.tables["sites"].set_index("site")
    power = plan.tables["power"]
    if not len(power):
        return ""
    wide = power.pivot_table(index="site", columns="year", values="facility_mw", aggfunc="sum", fill_value=0.0)
    wide = wide.reindex(columns=years, fill_value=0.0)
    wide = wide.loc[wide[years[-1]].sort_values(ascending=False).index]
    opens = {(r["site"], r["year"]) for r in plan.tables["openings"].to_dict("records")}
    labels = {str(sites["name"].get(s, s)): str(s) for s in wide.index}
    rows = [(label, [float(v) for v in wide.loc[s].to_numpy()]) for label, s in labels.items()]
    rows.append(("all sites", wide.sum().tolist()))
    top = float(wide.to_numpy().max())
    return tag("h3", "Facility MW in service by site <small>● the year it opens</small>") + heat(
        ["site", *map(str, years)], rows, whole, top,
        lambda name, i: " ●" if (labels.get(name, ""), years[i]) in opens else "",
    )


def _links(plan: Plan) -> str:
    links = plan.tables["links"]
    if not len(links):
        return ""
    years = years_of(plan)
    wide = links.pivot_table(index="link", columns="year", values="gbps", aggfunc="sum", fill_value=0.0)
    wide = wide.reindex(columns=years, fill_value=0.0)
    rows = [(str(n), [float(v) for v in r]) for n, r in wide.iterrows()]
    body = heat(["link", *map(str, years)], rows, count, float(wide.to_numpy().max()))
    return tag("details", tag("summary", f"Links: Gb/s in service ({len(wide)})") + body)


def placement_section(plan: Plan) -> str:
    """Who is served from where in the last year."""
    years = years_of(plan)
    placed = plan.tables["placement"]
    placed = placed[placed["year"] == years[-1]]
    if not len(placed):
        return tag("p", "Nobody is served in the last year.")
    cells = placed.groupby(["region", "site", "slice"], as_index=False)[["instances"]].sum()
    wide = cells.pivot_table(index="site", columns="region", values="instances", aggfunc="max", fill_value=0.0)
    wide = wide.loc[wide.sum(axis=1).sort_values(ascending=False).index]
    sites = plan.tables["sites"].set_index("site")["name"]
    rows = [(str(sites.get(n, n)), [float(v) for v in r]) for n, r in wide.iterrows()]
    names = plan.tables["regions"].set_index("region")["name"]
    headers = [escape(str(names.get(r, r))) for r in wide.columns]
    return heat(["served from", *headers], rows, count, float(wide.to_numpy().max()))


def sharding_section(plan: Plan) -> str:
    """How copies are sharded, and whether they meet their limits."""
    used = plan.tables["sharding"]
    if not len(used):
        return tag("p", "No serving configuration is in use.")
    key = ["service_class", "variant", "model", "weights", "accelerator", "tp", "pp", "ep", "dp"]
    rows = used.groupby(key, as_index=False, dropna=False).agg(
        first=("year", "min"), last=("year", "max"), sites=("site", "nunique"), copy=("copy_accelerators", "max"),
        batch=("batch", "max"), memory=("memory_gb", "max"), ttft=("ttft_ms", "max"), network=("network_ms", "max"),
        ttft_limit=("ttft_limit_ms", "max"), tpot=("tpot_ms", "max"), tpot_limit=("tpot_limit_ms", "max"),
        ok=("meets_slo", "all"), why=("limited_by", "first"), hours=("mean_accelerators_used", "sum"),
    ).sort_values(["service_class", "first", "hours"], ascending=[True, True, False])
    body = [_sharding_row({str(k): v for k, v in r.items()}) for r in rows.to_dict("records")]
    headers = [
        "class", "variant", "on", "years", "limited by", "TP · PP · EP · DP", "accelerators<br><small>per copy</small>",
        "sequences<br><small>in flight</small>", "memory<br><small>GB each</small>",
        "TTFT + network<br><small>ms, of limit</small>", "TPOT<br><small>ms, of limit</small>", "sites", "SLO",
    ]
    return table(headers, body, left=5, class_="dense")


def _sharding_row(r: dict[str, object]) -> list[str]:
    def number(name: str) -> float:
        return float(str(r[name]))

    def of(limit: float) -> str:
        return "" if np.isnan(limit) else f" <small>/ {whole(limit)}</small>"

    years = f"{r['first']}" if r["first"] == r["last"] else f"{r['first']}–{r['last']}"
    tpot = "–" if np.isnan(number("tpot")) else f"{number('tpot'):.1f}"
    return [
        escape(str(r["service_class"])),
        tag("span", escape(str(r["variant"])), class_="keep") + f" <small>{escape(str(r['weights']))}</small>",
        tag("span", escape(str(r["accelerator"])), class_="keep"), tag("span", years, class_="keep"),
        escape(str(r["why"]).replace("_", " ")),
        " · ".join(count(number(k)) for k in ("tp", "pp", "ep", "dp")), count(number("copy")), count(number("batch")),
        whole(number("memory")), f"{whole(number('ttft'))} + {whole(number('network'))}{of(number('ttft_limit'))}",
        tpot + of(number("tpot_limit")), str(r["sites"]),
        tag("span", "met" if r["ok"] else "missed", class_="good" if r["ok"] else "bad"),
    ]


def limits_section(plan: Plan) -> str:
    """How much of each limit is used, by year, and what binds in words."""
    years, limits = years_of(plan), plan.tables["limits"]
    sites = {"site grid", "site pace", "phases full"}
    stated = limits[~limits["topic"].isin(sites) & (limits["sense"] == "<=") & (limits["rhs"] > 0)]
    body = ""
    if len(stated):
        used = stated.assign(part=stated["used"] / stated["rhs"])
        wide = used.pivot_table(index="topic", columns="year", values="part", aggfunc="max", fill_value=0.0)
        wide = wide.reindex(columns=years, fill_value=0.0)
        rows = [(str(n), [float(v) for v in r]) for n, r in wide.iterrows()]
        body += tag("h3", "Share of each limit used") + heat(["limit", *map(str, years)], rows, share, 1.0)
    told = [[str(r["year"]), escape(r["binds"]) or "nothing"] for r in plan.tables["schedule"].to_dict("records")]
    return body + tag("h3", "In words") + table(["year", "what binds"], told, left=2)


def proof_section(plan: Plan) -> str:
    """Each goal with what was reached and what is proven."""
    rows = [[escape(p.goal), escape(p.unit), p.reached, p.bound, p.gap, p.seconds, escape(p.ended)] for p in proofs(plan)]
    headers = ["goal, in order", "unit", "reached", "bound", "gap", "seconds", "ended"]
    return table(headers, rows, left=2)


def assumptions_section(plan: Plan) -> str:
    """The numbers the plan stands on, guesses first."""
    told = plan.assumptions
    if not len(told):
        return tag("p", "The problem states no assumptions.")
    rank = told["confidence"].map({"estimate": 0, "derived": 1, "published": 2}).fillna(0)
    ordered = told.assign(rank=rank).sort_values("rank", kind="stable")
    rows = [
        [escape(r["what"]), f"{escape(r['value'])} <small>{escape(r['unit'])}</small>",
         tag("span", escape(r["confidence"]), class_=f"chip {escape(r['confidence'])}"),
         tag("span", escape(r["source"]), class_="source")]
        for r in ordered.to_dict("records")
    ]
    guesses = int((rank == 0).sum())
    body = table(["what", "value", "confidence", "source"], rows, left=4)
    summary = tag("summary", f"{len(told)} numbers, {guesses} of them estimates (guesses), shown first")
    return tag("details", summary + body, **({"open": "open"} if len(told) <= 80 else {}))
