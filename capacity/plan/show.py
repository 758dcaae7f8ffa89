"""The year-by-year buildout for the terminal, for any width; nothing is cut off."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pandas as pd
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from capacity.plan import show_matrices as matrices
from capacity.plan.grid import Layout, listing, page, prose
from capacity.plan.model import Plan
from capacity.plan.numbers import count, dollars, ended, gap, share, whole
from capacity.plan.offers import mirrored_nowhere, out_of_reach, refused_groups, refused_share, trips_known
from capacity.plan.proof import proofs, wholeness
from capacity.plan.told_losses import SHOWN, last_year, lead
from capacity.plan.ways import ways_told

PIPE_WIDTH = 120
"""Columns where stdout is no terminal and COLUMNS says nothing else."""
MS = 1e3
"""Milliseconds in a second."""


def schedule(plan: Plan) -> pd.DataFrame:
    """One row a year, the columns of `columns.PLAN_TABLES["schedule"]` with their units."""
    return plan.table("schedule")


def print_schedule(plan: Plan, console: Console | None = None, full: bool = False) -> None:
    """Prints the plan for a first look, or with every table of the buildout; by default to stdout."""
    out = console or stdout()
    layout = page(out.width, sorted(int(y) for y in plan.tables["schedule"]["year"]))
    out.print(_head(plan))
    for title, lines in _sections(plan, layout, full):
        if lines:
            out.print(Text(), *prose(layout.width, title, "bold"), *lines, sep="\n", soft_wrap=True)


def stdout() -> Console:
    """A console as wide as the terminal; 120 columns where there is none."""
    wide = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console() if wide else Console(width=PIPE_WIDTH)


def _sections(plan: Plan, layout: Layout, full: bool) -> Iterator[tuple[str, list[Text]]]:
    yield "Year by year; cash and prices are nominal", [*matrices.years(plan, layout), *_api(plan, layout)]
    yield "Sites: facility MW in service (* opens)", matrices.sites(plan, layout)
    if full:
        yield "Phases built", matrices.of(plan, layout, "phases", "site", "built")
    yield "Pods bought", matrices.of(plan, layout, "pods", "pod", "pods", year="vintage")
    yield "Accelerators in service", matrices.fleet(plan, layout)
    if full:
        yield "Accelerators retired", matrices.of(plan, layout, "retirements", "accelerator", "accelerators")
        yield "Links: Gb/s in service", matrices.of(plan, layout, "links", "link", "gbps", total=False)
    yield "Sharding: the largest use of each class, variant and accelerator", _sharding(plan, layout.width)
    yield "Instances served by region, at the year's busiest hours", matrices.of(
        plan, layout, "served", "region", "peak_served")
    if full:
        yield "Instances served by class, averaged over the day", matrices.of(
            plan, layout, "served", "service_class", "mean_served")
        yield "Instances short by class, averaged over the day", matrices.of(
            plan, layout, "served", "service_class", "mean_short")
    yield "Money by topic: nominal cash, $", matrices.of(plan, layout, "money", "topic", "cash_usd")
    yield "What binds: used to 99 % or more, or no room for one more whole phase or pod", _binds(plan, layout.width)
    yield "Losses, in the last year", _losses(plan, layout.width, full)
    yield "Proof: goals are met in order, each kept while the next is treated", _proof(plan, layout.width)
    yield "Choices", _choices(plan, layout.width, full)


def _head(plan: Plan) -> Panel:
    worst = plan.summary["gap"]
    proof = "not yet proven" if worst is None else f"within {gap(worst)} of the best plan there is"
    body = Text(str(plan.summary["headline"]), style="bold")
    body.append(f"\n{ended(plan.status)}, {proof}, {plan.summary['seconds']:.0f} s", style="dim")
    title = Text(plan.name or "plan", style="bold")
    return Panel(body, title=title, box=box.ROUNDED, border_style="cyan", title_align="left")


def _api(plan: Plan, layout: Layout) -> list[Text]:
    """One sentence a class: what the tokens of an instance-hour cost at public API prices."""
    lines: list[Text] = []
    for name, rows in plan.tables["token_prices"].groupby("service_class", sort=False):
        low, high = rows.iloc[0], rows.iloc[-1]
        ends = [
            f"{dollars(r['usd_per_instance_hour'], cents=True)} ({r['provider']} {r['model']}, {r['as_of']})"
            for r in ([low, high] if len(rows) > 1 else [low])
        ]
        told = f"At API list prices the tokens of one {name} hour cost {' to '.join(ends)}."
        lines += prose(layout.width, told, "dim")
    return lines


def _sharding(plan: Plan, width: int) -> list[Text]:
    used = plan.tables["sharding"]
    lines: list[Text] = []
    key = ["accelerator", "tp", "pp", "ep", "dp"]
    headers = ["on", "years", "TP·PP·EP·DP", "chips", "seqs", "TTFT+net", "TPOT", "limited by"]
    for (name, variant), part in used.groupby(["service_class", "variant"]):
        rows = part.groupby(key, as_index=False, dropna=False).agg(
            first=("year", "min"), last=("year", "max"), copy=("copy_accelerators", "max"), batch=("batch", "max"),
            hours=("mean_accelerators_used", "sum"), ttft=("ttft_ms", "max"), network=("network_ms", "max"),
            tpot=("tpot_ms", "max"), ok=("meets_slo", "all"), why=("limited_by", "first"),
        ).sort_values("hours", ascending=False).drop_duplicates("accelerator")
        rows = rows.sort_values(["first", "last", "accelerator"])
        told = [_sharding_row({str(k): v for k, v in r.items()}) for r in rows.to_dict("records")]
        if lines:
            lines.append(Text())
        lines += prose(width, _limits_told(plan, str(name), str(variant), part.iloc[0]))
        lines += listing(width, headers, told)
    if lines:
        told_of = "chips: of one copy; seqs: sequences in flight; times in ms, the largest over sites"
        lines += prose(width, told_of, "dim")
    return lines


def _limits_told(plan: Plan, name: str, variant: str, row: pd.Series) -> str:
    told = f"{name} on {variant or row['accelerator']}"
    if row["weights"]:
        told += f", weights {row['weights']}, KV {row['kv']}"
    if plan.scenario is not None and name in plan.scenario.classes:
        asked = plan.scenario.classes[name]
        limits = f"TTFT {asked.ttft:g} s, TPOT {asked.tpot * MS:g} ms at p{asked.percentile * 100:g}"
        told += "; batch work, at any time of the day" if asked.batch else f"; {limits}"
    return told


def _sharding_row(r: dict[str, object]) -> list[str]:
    def number(name: str) -> float:
        return float(str(r[name]))

    tpot = "–" if pd.isna(number("tpot")) else f"{number('tpot'):.1f}"
    return [
        str(r["accelerator"]), _span(int(number("first")), int(number("last"))),
        "·".join(count(number(k)) for k in ("tp", "pp", "ep", "dp")), count(number("copy")), count(number("batch")),
        f"{whole(number('ttft'))}+{whole(number('network'))}", tpot,
        str(r["why"]).replace("_", " ") + ("" if r["ok"] else " - SLO MISSED"),
    ]


def _span(first: int, last: int) -> str:
    return f"'{first % 100:02d}" if first == last else f"'{first % 100:02d}-{last % 100:02d}"


def _binds(plan: Plan, width: int) -> list[Text]:
    rows = [[str(row["year"]), row["binds"] or "nothing"] for row in plan.tables["schedule"].to_dict("records")]
    return listing(width, ["year", "what"], rows)


def _losses(plan: Plan, width: int, full: bool) -> list[Text]:
    """From which year losses are survived; then, for those that leave least, what is left and what fails over."""
    told = lead(plan)
    if not told:
        return []
    losses = last_year(plan, None if full else SHOWN)
    linked = any(loss.links_gbps != "–" for loss in losses)
    headers = ["loss", "since", "chips left", "MW left", *(["Gb/s left"] if linked else []), "asked", "served >=",
               "instances that fail over"]
    rows = [[loss.case, loss.since, loss.accelerators, loss.facility_mw, *([loss.links_gbps] if linked else []),
             loss.asked, loss.after, loss.moves] for loss in losses]
    more = plan.tables["losses"]["case"].nunique() - len(rows)
    lines = [*prose(width, told), *listing(width, headers, rows)]
    return [*lines, *(prose(width, f"{more} more that leave no less: --full.", "dim") if more else [])]


def _proof(plan: Plan, width: int) -> list[Text]:
    rows = [[p.goal, p.reached, p.bound, p.gap, p.seconds, f"{p.unit} ({p.ended})"] for p in proofs(plan)]
    table = listing(width, ["goal", "reached", "bound", "gap", "seconds", "unit"], rows)
    return [*table, *prose(width, wholeness(plan), "dim")]


def _choices(plan: Plan, width: int, full: bool) -> list[Text]:
    """What was not on offer, how round trips were known, and how to see more."""
    missing, tried = refused_share(plan)
    lines = [line for told in out_of_reach(plan) for line in prose(width, f"{told}.", "bold yellow")]
    if tried:
        hint = "" if full or not missing else "; --full tells why"
        tuples = f"{tried} combinations of class, variant and pod design"
        told = f"Not on offer: {missing} of {tuples}{hint}." if missing else f"All {tuples} were on offer."
        lines += prose(width, told)
    if full:
        for group in refused_groups(plan):
            what = f"{group['service_class']}, {group['variant']} on {group['pods']}"
            lines += prose(width, f"- {what}: {group['reason']}")
    known = trips_known(plan)
    told = ", ".join(f"{pairs} {basis} ({share(part)} of hours served)" for basis, (pairs, part) in known.items())
    lines += prose(width, f"Round trips between regions and sites: {told}.") if known else []
    if shut := mirrored_nowhere(plan):
        lines += prose(width, shut)
    if plan.summary.get("ways"):
        lines += prose(width, ways_told(plan.summary["ways"]))
    guesses = int((plan.assumptions["confidence"] == "estimate").sum())
    if guesses:
        lines += prose(width, f"{guesses} of {len(plan.assumptions)} assumptions are estimates: see report.html.")
    if not full:
        lines += prose(width, "`capacity schedule RUN --full` adds phases, retirements, links and classes.", "dim")
    return lines
