"""What a plan tells of losses, in words: from which year each is survived, what is left, who fails over to where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from capacity.plan.model import Plan
from capacity.plan.numbers import count, share, whole

SHOWN = 6
"""Losses told one by one unless all are asked for: those that leave the smallest share served."""


LEAST = 0.5
"""Instances: fewer do not move."""


@dataclass(frozen=True)
class Loss:
    """One loss in the last year of the plan, in words."""

    case: str
    since: str
    accelerators: str
    facility_mw: str
    links_gbps: str
    asked: str
    after: str
    moves: str


def lead(plan: Plan) -> str:
    """How many losses are planned for, from which year they are survived, and why not before; empty without any."""
    losses = plan.tables["losses"]
    if not len(losses):
        return ""
    since = losses.drop_duplicates("case").set_index("case")["covered_from"]
    told = [f"{_cases(since[since == year].index, len(since))} from {year}" for year in sorted(set(since) - {0})]
    never = since[since == 0].index
    said = f"{len(since)} loss{'es' if len(since) != 1 else ''} planned for. "
    said += f"Survived in every year: {'; '.join(told)}. " if told else ""
    said += f"Not survived to the last year: {_cases(never, len(since))}. " if len(never) else ""
    return (said + _before(losses, plan.tables["schedule"])).strip()


def _cases(names: pd.Index, of: int) -> str:
    if len(names) == 1:
        return str(names[0])
    return ("both" if of == 2 else "all") if len(names) == of else f"{len(names)} of them"


def _before(losses: pd.DataFrame, schedule: pd.DataFrame) -> str:
    """Why losses are not survived in the years before."""
    open_years = losses[~losses["survived"]]
    unasked = sorted(set(open_years.loc[~open_years["planned"], "year"]))
    empty = sorted(set(open_years.loc[open_years["planned"] & (open_years["instances_before"] <= 0), "year"]))
    said = f"Not planned for in {_span(unasked)}. " if unasked else ""
    alone = bool((schedule.loc[schedule["year"].isin(empty), "sites"].fillna(0.0) <= 1).all())
    why = "with one site in use nothing would be left to serve from" if alone else "nothing would be left to serve from"
    return said + (f"In {_span(empty)} nobody is served: {why}. " if empty else "")


def _span(years: list[int]) -> str:
    runs = years[-1] - years[0] + 1 == len(years) and len(years) > 1
    return f"{years[0]}-{years[-1]}" if runs else ", ".join(map(str, years))


def last_year(plan: Plan, most: int | None = None) -> list[Loss]:
    """The losses of the last year, those that leave least first; all, or the first `most`."""
    losses = plan.tables["losses"]
    if not len(losses):
        return []
    last = losses[losses["year"] == losses["year"].max()]
    kept = (last["instances_after"] / last["instances_before"].where(last["instances_before"] > 0)).fillna(1.0)
    chips = last["accelerators_left"] / last["accelerators"].where(last["accelerators"] > 0)
    last = last.assign(kept=kept, chips=chips.fillna(1.0)).sort_values(["kept", "chips", "case"])
    moves = plan.tables["failover"]
    return [_told(r, moves[(moves["case"] == r["case"]) & (moves["year"] == r["year"])])
            for r in last.head(most or len(last)).to_dict("records")]


def _told(r: dict[str, object], moves: pd.DataFrame) -> Loss:
    def part(name: str, say: Callable[[float], str] = count) -> str:
        total, left = float(str(r[name])), float(str(r[f"{name}_left"]))
        return f"{say(left)} of {say(total)}" if total else "–"

    before, asked, after = (float(str(r[f"instances_{w}"])) for w in ("before", "asked", "after"))
    of = before or float("nan")
    return Loss(
        case=str(r["case"]), since=str(r["covered_from"]) if r["covered_from"] else "never",
        accelerators=part("accelerators"), facility_mw=part("facility_mw", whole), links_gbps=part("links_gbps"),
        asked=share(asked / of) if before and r["planned"] else "–",
        after=share(after / of) if before and r["planned"] else "–",
        moves=_moved(moves) if r["kind"] != "link" else "traffic takes other ways; all stays where it is",
    )


def _moved(moves: pd.DataFrame) -> str:
    """`think: 12k to paris, 4k not served`: where each class is taken up, and what of it is not."""
    if moves.loc[moves["lost"], "instances_before"].sum() < LEAST:
        return "nobody is served from there"
    told = []
    for name, rows in moves.groupby("service_class", sort=False):
        change = (rows["instances_after"] - rows["instances_before"]).set_axis(rows["site"])
        up = change[~rows["lost"].to_numpy()]
        waits = float(rows["instances_before"].sum() - rows["instances_after"].sum())
        parts = [f"{count(v)} to {site}" for site, v in up.sort_values(ascending=False).items() if v >= LEAST]
        parts += [f"{count(waits)} not served"] if waits >= LEAST else []
        told += [f"{name}: {', '.join(parts)}"] if parts else []
    return "; ".join(told)
