"""The year-by-year buildout for the terminal."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from capacity.plan.model import Plan
from capacity.plan.numbers import count, dollars, ended, gap, goal, share, whole


def schedule(plan: Plan) -> pd.DataFrame:
    """One row a year, the columns of `columns.PLAN_TABLES["schedule"]` with their units."""
    return plan.table("schedule")


def print_schedule(plan: Plan, console: Console) -> None:
    """Prints the plan: headline, years, sites, pods, fleet, links, sharding, regions, money, what binds, proof."""
    console.print(_head(plan))
    console.print(_years(plan))
    for title, table in _matrices(plan):
        if table is not None:
            console.print(Text(f"\n{title}", style="bold"))
            console.print(table)
    sharding = _sharding(plan)
    if sharding is not None:
        console.print(Text("\nSharding: the largest use of each class, variant and accelerator", style="bold"))
        console.print(sharding)
    console.print(Text("\nWhat binds", style="bold"))
    console.print(_binds(plan))
    console.print(Text("\nProof", style="bold"))
    console.print(_stages(plan))


def _head(plan: Plan) -> Panel:
    worst = plan.summary["gap"]
    proof = "no goal" if worst is None else f"within {gap(worst)} of the best plan there is"
    body = Text(str(plan.summary["headline"]), style="bold")
    body.append(f"\n{ended(plan.status)}, {proof}, {plan.summary['seconds']:.0f} s", style="dim")
    title = Text(plan.name or "plan", style="bold")
    return Panel(body, title=title, box=box.ROUNDED, border_style="cyan", title_align="left")


def _plain(first: str, *headers: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_edge=False)
    table.add_column(first, no_wrap=True)
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def _years(plan: Plan) -> Table:
    table = _plain(
        "year", "instances\nwanted", "\nserved", "short\n% of hours", "sites\n", "facility\nMW", "accele-\nrators",
        "\nbought", "links\nGb/s", "capex\n$", "opex\n$", "$ per\ninst-hour",
    )
    for row in plan.tables["schedule"].to_dict("records"):
        short = Text(share(row["short_share"]), style="red" if row["short_share"] > 0 else "green")
        table.add_row(
            str(row["year"]), count(row["instances_demanded"]), count(row["instances_served"]), short,
            f"{row['sites']:.0f}", whole(row["facility_mw"]), count(row["accelerators"]),
            count(row["accelerators_bought"]), count(row["link_gbps"]), dollars(row["capex_usd"]),
            dollars(row["opex_usd"]), dollars(row["usd_per_instance_hour"], cents=True),
        )
    return table


def _matrices(plan: Plan) -> list[tuple[str, Table | None]]:
    tables = plan.tables
    opened = {(r["site"], r["year"]) for r in tables["openings"].to_dict("records")}
    retired = tables["retirements"]
    return [
        ("Sites: facility MW in service (* opens)", _matrix(
            plan, tables["power"], "site", "year", "facility_mw", whole, opened)),
        ("Phases built", _matrix(plan, tables["phases"], "site", "year", "built", count)),
        ("Pods bought", _matrix(plan, tables["pods"], "pod", "vintage", "pods", count)),
        ("Accelerators in service", _matrix(plan, tables["fleet"], "accelerator", "year", "accelerators", count)),
        ("Accelerators retired", _matrix(plan, retired, "accelerator", "year", "accelerators", count)),
        ("Accelerators rented", _matrix(plan, tables["rentals"], "accelerator", "year", "accelerators", count)),
        ("Links: Gb/s in service", _matrix(plan, tables["links"], "link", "year", "gbps", count)),
        ("Instances served by region, each at its own busiest hour", _matrix(
            plan, tables["served"], "region", "year", "instances_served", count)),
        ("Instances served by class, each region at its busiest hour", _matrix(
            plan, tables["served"], "service_class", "year", "instances_served", count)),
        ("Instances short by class", _matrix(
            plan, tables["served"], "service_class", "year", "instances_short", count)),
        ("Money by topic: nominal cash, $", _matrix(plan, tables["money"], "topic", "year", "cash_usd", dollars)),
    ]


def _matrix(
    plan: Plan, frame: pd.DataFrame, rows: str, columns: str, value: str, say: Callable[[float], str],
    marked: set[tuple[str, int]] | None = None,
) -> Table | None:
    """Rows by year; None when there is nothing to show. Years before the horizon appear when something falls there."""
    frame = frame[frame[value] > 0]
    if not len(frame):
        return None
    wide = frame.pivot_table(index=rows, columns=columns, values=value, aggfunc="sum", fill_value=0.0)
    years = sorted(set(wide.columns) | set(plan.tables["schedule"]["year"]))
    wide = wide.reindex(columns=years, fill_value=0.0)
    table = _plain(rows.replace("_", " "), *[str(y) for y in years])
    for name, line in wide.iterrows():
        cells = [
            say(float(v)) + ("*" if marked and (name, y) in marked else "") if v > 0 else Text("·", style="dim")
            for y, v in line.items()
        ]
        table.add_row(str(name), *cells)
    if len(wide) > 1:
        table.add_section()
        table.add_row("all", *[say(float(v)) for v in wide.sum()], style="bold")
    return table


def _sharding(plan: Plan) -> Table | None:
    used = plan.tables["sharding"]
    if not len(used):
        return None
    key = ["service_class", "variant", "accelerator", "tp", "pp", "ep", "dp"]
    rows = used.groupby(key, as_index=False, dropna=False).agg(
        first=("year", "min"), last=("year", "max"), copy=("copy_accelerators", "max"), batch=("batch", "max"),
        most=("accelerators_used", "max"), instances=("instances", "max"), ttft=("ttft_ms", "max"),
        network=("network_ms", "max"), tpot=("tpot_ms", "max"), ok=("meets_slo", "all"),
        sites=("site", "nunique"), why=("limited_by", "first"),
    ).sort_values(["service_class", "first", "variant", "accelerator"])
    table = _plain(
        "class", "variant", "on", "years", "sites", "TP·PP·EP·DP", "per copy", "batch", "TTFT+net ms", "TPOT ms", "SLO",
        "limited by",
    )
    for r in rows.to_dict("records"):
        shape = "·".join(count(r[k]) for k in ("tp", "pp", "ep", "dp"))
        table.add_row(
            r["service_class"], r["variant"], r["accelerator"], _span(r["first"], r["last"]), str(r["sites"]),
            shape, count(r["copy"]), count(r["batch"]), f"{whole(r['ttft'])}+{whole(r['network'])}",
            "–" if pd.isna(r["tpot"]) else f"{r['tpot']:.1f}",
            Text("met", style="green") if r["ok"] else Text("missed", style="red"), r["why"],
        )
    return table


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last % 100:02d}"


def _binds(plan: Plan) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column("year", style="dim", no_wrap=True)
    table.add_column("what")
    for row in plan.tables["schedule"].to_dict("records"):
        table.add_row(str(row["year"]), row["binds"] or Text("nothing", style="dim"))
    return table


def _stages(plan: Plan) -> Table:
    table = _plain("goal", "reached", "bound", "gap", "seconds", "ended", "unit")
    for s in plan.stages.to_dict("records"):
        words, reached, bound, unit = goal(s["goal"], s["objective"], s["bound"])
        ending = s["status"].replace("_", " ")
        table.add_row(words, reached, bound, gap(s["gap"]), f"{s['seconds']:.1f}", ending, unit)
    return table
