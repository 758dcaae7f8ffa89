"""The schedule's tables of years across: key figures, sites, fleet, and any plan table by year."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from rich.text import Text

from capacity.plan.grid import Layout, Row, matrix, page
from capacity.plan.headline import SHORT
from capacity.plan.model import Plan
from capacity.plan.numbers import cell, cents, count

SHORT_LABEL = "short, % of hours"
Say = Callable[[float], str]


def years(plan: Plan, layout: Layout) -> list[Text]:
    """The key figures of every year."""
    table = plan.tables["schedule"].set_index("year")
    hour, to_hour = cents(table["usd_per_instance_hour"], "per instance-h")
    million, to_million = cents(table["usd_per_million_output_tokens"], "per Mtok output")
    lines: list[tuple[str, pd.Series, Say]] = [
        ("instances wanted", table["instances_demanded"], count),
        ("instances served", table["instances_served"], count),
        (SHORT_LABEL, table["short_share"] * 100, _percent), ("work-years served", table["work_years"], count),
        ("sites", table["sites"], count), ("facility MW", table["facility_mw"], count),
        ("accelerators", table["accelerators"], count), ("  bought", table["accelerators_bought"], count),
        ("links Gb/s", table["link_gbps"], count), ("energy GWh", table["energy_gwh"], count),
        ("capex $", table["capex_usd"], count), ("opex $", table["opex_usd"], count),
        (hour, table["usd_per_instance_hour"] * to_hour, cell),
        (million, table["usd_per_million_output_tokens"] * to_million, cell),
    ]
    rows = []
    for label, values, say in lines:
        if values.isna().all():
            continue
        short = label == SHORT_LABEL
        told = [(year, float(v)) for year, v in zip(table.index, values, strict=True) if short or v != 0]
        styles = {year: _alarm(v) for year, v in told} if short else {}
        rows.append(Row(label, {year: say(v) for year, v in told}, styles=styles))
    return matrix(layout, "", rows)


def _alarm(per_cent: float) -> str:
    return "green" if per_cent == 0 else "yellow" if per_cent <= SHORT * 100 else "red"


def _percent(value: float) -> str:
    """Per cent without its sign: the row says it."""
    return "<0.1" if 0 < value < 0.05 else f"{value:.1f}" if value else "0"


def sites(plan: Plan, layout: Layout) -> list[Text]:
    """Facility MW by site, the year it opens marked."""
    opened = plan.tables["openings"]
    marks = {str(s): {int(y): "*" for y in rows["year"]} for s, rows in opened.groupby("site")}
    return _wide(layout, plan.tables["power"], "site", "facility_mw", "year", marks, total=True)


def fleet(plan: Plan, layout: Layout) -> list[Text]:
    """Accelerators in service by type, rented ones apart."""
    rented = plan.tables["rentals"]
    held = [plan.tables["fleet"], rented.assign(accelerator=rented["accelerator"] + " rented")]
    return _wide(layout, pd.concat([h for h in held if len(h)] or held[:1]), "accelerator", "accelerators", "year", {})


def of(
    plan: Plan, layout: Layout, name: str, rows: str, value: str, year: str = "year", total: bool = True
) -> list[Text]:
    """One of the plan's tables, `value` summed by `rows` and year; nothing when there is nothing to show."""
    return _wide(layout, plan.tables[name], rows, value, year, {}, total)


def _wide(
    layout: Layout, frame: pd.DataFrame, rows: str, value: str, year: str, marks: dict[str, dict[int, str]],
    total: bool = True,
) -> list[Text]:
    """Rows by year; years before the horizon appear when something falls there."""
    frame = frame[frame[value] > 0]
    if not len(frame):
        return []
    wide = frame.pivot_table(index=rows, columns=year, values=value, aggfunc="sum", fill_value=0.0)
    first = frame.groupby(rows)[year].min()
    wide = wide.loc[sorted(wide.index, key=lambda n: (int(first[n]), str(n)))]
    body = [Row(str(name), _told(wide.loc[name]), marks.get(str(name), {})) for name in wide.index]
    every = Row("all", _told(wide.sum()), style="bold") if total and len(wide) > 1 else None
    parts = _with_earlier(layout, [int(y) for y in wide.columns])
    return matrix(parts, rows.replace("_", " "), body, every)


def _told(line: pd.Series) -> dict[int, str]:
    return {int(y): count(float(v)) for y, v in zip(line.index, line, strict=True) if v > 0}


def _with_earlier(layout: Layout, years: list[int]) -> Layout:
    """The layout with years that lie outside the horizon, if any, split anew."""
    known = {y for part in layout.parts for y in part}
    return layout if set(years) <= known else page(layout.width, sorted(known | set(years)))
