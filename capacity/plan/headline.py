"""The sentences a reader takes away: when supply falls short, by how much and why; what is reached, at what cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.plan.binding import NO_GRID, SITE_TOPICS, binding_topics, nearly_binding
from capacity.plan.numbers import dollars, share

SHORT = 0.01
"""Share of a year's demand from which on supply is said to fall short; less is a lump of whole phases and pods."""


def short_years(schedule: pd.DataFrame) -> pd.DataFrame:
    """Rows of `schedule` in which more than SHORT of the year's instance-hours are not served."""
    return schedule[schedule["short_share"] > SHORT]


def headline(schedule: pd.DataFrame, limits: pd.DataFrame, wages: pd.Series, stages: pd.DataFrame) -> str:
    """A few sentences from plan tables `schedule`, `limits`, `stages` and the nominal hourly wages of the regions."""
    short = short_years(schedule)
    if len(short):
        told = _shortage(schedule, short, limits, bool((stages["goal"] == "cost_and_shortage").any()))
    else:
        told = "Supply meets demand in every year" + (" but for lumps." if (schedule["short_share"] > 0).any() else ".")
    parts = [told, _reached(schedule, wages), _lumps(schedule, stages)]
    if (stages["goal"] == "served").any():
        parts = [parts[1], parts[0], parts[2]]
    return " ".join(part for part in parts if part)


def _shortage(schedule: pd.DataFrame, short: pd.DataFrame, limits: pd.DataFrame, priced: bool) -> str:
    first, worst = short.iloc[0], short.iloc[int(short["short_share"].argmax())]
    year = int(first["year"])
    told = f"Supply first falls short in {year}: {share(first['short_share'])} of the instance-hours asked for"
    told += " are not served" + _why(limits, year, priced)
    if worst["year"] != first["year"]:
        told += f"; at worst {share(worst['short_share'])} in {int(worst['year'])}"
        told += _why(limits, int(worst["year"]), priced)
    return told + "."


def _why(limits: pd.DataFrame, year: int, priced: bool) -> str:
    """What binds in a year, as the end of a sentence: stated limits, else full sites, else what nearly binds."""
    topics = binding_topics(limits, year)
    stated = [t for t in topics if not t.startswith((*SITE_TOPICS.values(), NO_GRID))] or topics
    if stated:
        return f", bound by {_listed(stated)}"
    if near := nearly_binding(limits, year):
        return f", near the limit: {_listed(near)}"
    return ", though no limit is used up: " + (
        "serving them would cost more than their price" if priced else "latency, lead times or the gap asked for"
    )


def _listed(words: list[str]) -> str:
    *some, last = words
    return f"{', '.join(some)} and {last}" if some else last


def _reached(schedule: pd.DataFrame, wages: pd.Series) -> str:
    best = schedule.iloc[int(schedule["instances_served"].argmax())]
    cost = best["usd_per_instance_hour"]
    told = f"The plan peaks at {amount(best['instances_served'])} instances in {int(best['year'])}"
    if np.isfinite(cost):
        told += f", at {dollars(cost, cents=True)} per instance-hour"
        told += against_wages(wages)
    return told + "."


def against_wages(wages: pd.Series) -> str:
    """The range of the regions' nominal wages as the end of a sentence; nothing where none is known."""
    known = wages.dropna()
    if not len(known):
        return ""
    low, high = dollars(float(known.min()), cents=True), dollars(float(known.max()), cents=True)
    return f" against nominal wages of {low}" + (f" to {high}" if high != low else "") + " an hour"


def _lumps(schedule: pd.DataFrame, stages: pd.DataFrame) -> str:
    small = schedule[(schedule["short_share"] > 0) & (schedule["short_share"] <= SHORT)]
    if not len(small):
        return ""
    years = ", ".join(f"{share(r['short_share'])} in {r['year']}" for r in small.to_dict("records"))
    proven = bool(len(stages)) and float(stages["gap"].iloc[0]) == 0
    why = "whole phases and pods leave no less" if proven else "whole phases and pods, or the gap asked for"
    return f"{'Lumps' if len(small) > 1 else 'A lump'} of {years}: {why}."


def amount(value: float) -> str:
    """A count for reading: 950, 12.3 thousand, 4.56 million, 1.02 billion."""
    for size, name in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{name}"
    return f"{value:,.0f}"
