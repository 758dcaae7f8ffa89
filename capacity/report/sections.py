"""The sections of a plan's page, top to bottom: each takes the plan and gives markup."""

from __future__ import annotations

from html import escape

import pandas as pd

from capacity.plan.binding import SITE_TOPICS
from capacity.plan.headline import SHORT
from capacity.plan.model import Plan
from capacity.plan.numbers import count, dollars, share, whole
from capacity.plan.proof import proofs, wholeness
from capacity.plan.quantities import slice_shares
from capacity.report.charts import by_year, stacked
from capacity.report.marks import chip, heat, table, tag
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
        against = f"against wages of ${wages.min():,.2f}–{wages.max():,.2f}/h"
    shown = [
        (count(last["instances_served"]), f"instances served at the busiest hour of {year}"),
        (share(last["short_share"]), f"of {year}'s instance-hours not served"),
        (dollars(last["usd_per_instance_hour"], cents=True), f"per instance-hour in {year}, {against}"),
        (dollars(last["usd_per_million_output_tokens"], cents=True),
         f"per million output tokens in {year}, their input included"),
        (count(last["work_years"]), f"work-years served in {year}"),
        (f"{whole(last['facility_mw'])} MW", f"facility power in {year}, at {last['sites']:.0f} sites"),
        (count(last["accelerators"]), f"accelerators in service in {year}"),
        (dollars(plan.summary["capex_usd"]), f"capex and {dollars(plan.summary['opex_usd'])} opex, nominal, all years"),
    ]
    return tag("div", "".join(
        tag("div", tag("b", escape(n)) + tag("span", escape(t)), class_="figure") for n, t in shown
    ), class_="figures")


def schedule_section(plan: Plan) -> str:
    """The year-by-year table."""
    rows = []
    for r in plan.tables["schedule"].to_dict("records"):
        mood = "good" if r["short_share"] == 0 else "soft" if r["short_share"] <= SHORT else "bad"
        rows.append([
            tag("b", str(r["year"])), count(r["instances_demanded"]), count(r["instances_served"]),
            tag("span", share(r["short_share"]), class_=mood), count(r["work_years"]), f"{r['sites']:.0f}",
            whole(r["facility_mw"]), count(r["accelerators"]), count(r["accelerators_bought"]), count(r["link_gbps"]),
            count(r["energy_gwh"]), dollars(r["capex_usd"]), dollars(r["opex_usd"]),
            dollars(r["usd_per_instance_hour"], cents=True), dollars(r["usd_per_million_output_tokens"], cents=True),
        ])
    headers = [
        "year", "instances<br>wanted", "<br>served", "not served<br><small>% of hours</small>",
        "work-years<br><small>served</small>", "sites", "facility<br><small>MW</small>",
        "chips<br><small>in service</small>", "<br><small>bought</small>", "links<br><small>Gb/s</small>",
        "energy<br><small>GWh</small>", "capex<br><small>$</small>", "opex<br><small>$</small>",
        "cost<br><small>$/instance-h</small>", "<br><small>$/Mtok out</small>",
    ]
    return table(headers, rows, class_="dense")


MOST_CLASSES = 6
"""Charts of single classes; more classes share one chart."""


def service_section(plan: Plan) -> str:
    """Instances served and wanted: a chart for each class, or one for many."""
    years, served = years_of(plan), plan.tables["served"]
    classes = list(dict.fromkeys(served["service_class"]))
    groups = {name: served[served["service_class"] == name] for name in classes}
    if len(classes) > MOST_CLASSES:
        groups = {f"all {len(classes)} classes": served}
    cards = ""
    for name, rows in groups.items():
        sums = rows.groupby("year")[["mean_demanded", "mean_served", "mean_short"]].sum().reindex(years, fill_value=0.0)
        told = dict(zip(years, (sums["mean_served"] / sums["mean_demanded"]).map(share), strict=True))
        hollow = dict(zip(years, sums["mean_short"].astype(float), strict=True))
        bars = stacked(by_year(rows, "service_class", "mean_served", years), count, "instances, mean over the day",
                       f"Instances of {name} served and wanted by year", hollow, told)
        note = "Averaged over the day; above each bar the share that is served."
        cards += card(f"{name}: served and wanted", note, bars)
    return tag("div", cards, class_="pair")


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
    first = bought.groupby("pod")["vintage"].min()
    wide = wide.loc[sorted(wide.index, key=lambda n: (int(first[n]), str(n)))]
    rows = [(str(n), [float(v) for v in r]) for n, r in wide.iterrows()]
    about = plan.problem.words.get("pods", pd.DataFrame(columns=["pod", "confidence"]))
    sure = dict(zip(about["pod"], about["confidence"], strict=True)) if "confidence" in about else {}
    headers = ["pod design", *map(str, years)]
    return tag("h3", "Pods bought <small>how sure the numbers of each accelerator are stands beside it</small>") + heat(
        headers, rows, count, float(wide.to_numpy().max()),
        named=lambda n: escape(n) + (" " + chip(str(sure[n])) if n in sure else ""),
    )


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
    placed = placed.merge(slice_shares(plan.problem), on="slice")
    placed = placed.assign(instances=placed["instances"] * placed["share"])
    wide = placed.pivot_table(index="site", columns="region", values="instances", aggfunc="sum", fill_value=0.0)
    wide = wide.loc[wide.sum(axis=1).sort_values(ascending=False).index]
    sites = plan.tables["sites"].set_index("site")["name"]
    rows = [(str(sites.get(n, n)), [float(v) for v in r]) for n, r in wide.iterrows()]
    names = plan.tables["regions"].set_index("region")["name"]
    headers = [escape(str(names.get(r, r))) for r in wide.columns]
    return heat(["served from", *headers], rows, count, float(wide.to_numpy().max()))


def limits_section(plan: Plan) -> str:
    """How much of each limit is used, by year, and what binds in words."""
    years, limits = years_of(plan), plan.tables["limits"]
    stated = limits[~limits["topic"].isin(list(SITE_TOPICS)) & (limits["sense"] == "<=") & (limits["rhs"] > 0)]
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
    rows = [
        [escape(p.goal), escape(p.unit), p.reached, p.bound, p.gap, p.seconds, escape(p.ended)] for p in proofs(plan)
    ]
    headers = ["goal, in order", "unit", "reached", "bound", "gap", "seconds", "ended"]
    return table(headers, rows, left=2) + tag("p", escape(wholeness(plan)))


def assumptions_section(plan: Plan) -> str:
    """The numbers the plan stands on, guesses first."""
    told = plan.assumptions
    if not len(told):
        return tag("p", "The problem states no assumptions.")
    rank = told["confidence"].map({"estimate": 0, "derived": 1, "published": 2}).fillna(0)
    ordered = told.assign(rank=rank).sort_values("rank", kind="stable")
    rows = [
        [escape(r["what"]), f"{escape(r['value'])} <small>{escape(r['unit'])}</small>",
         chip(r["confidence"]),
         tag("span", escape(r["source"]), class_="source")]
        for r in ordered.to_dict("records")
    ]
    guesses = int((rank == 0).sum())
    body = table(["what", "value", "confidence", "source"], rows, left=4)
    summary = tag("summary", f"{len(told)} numbers, {guesses} of them estimates (guesses), shown first")
    return tag("details", summary + body, **({"open": "open"} if len(told) <= 80 else {}))
