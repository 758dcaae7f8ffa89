"""What searches found as sections of a page: tornado, Morris, Sobol, break-even, frontier, alternatives and more."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from html import escape

import pandas as pd

from capacity.plan.numbers import count, gap, share, whole
from capacity.report.figures import draw
from capacity.report.marks import heat, table, tag
from capacity.report.study_charts import dots, tornado
from capacity.studies.answer import Answer
from capacity.studies.founding.argument import Chart


def section_of(answer: Answer) -> tuple[str, str, str]:
    """(anchor, title, markup) of an answer."""
    notes = "".join(tag("p", escape(note)) for note in answer.notes)
    return answer.kind, answer.title, notes + DRAWN[answer.kind](answer)


def _tornado(answer: Answer) -> str:
    rows = answer.tables["inputs"]
    told = [[escape(str(r["input"])), escape(f"{r['low']} to {r['high']}"), _say(r["at_low"]), _say(r["at_high"]),
             _say(r["swing"]), _decided(r),
             tag("span", escape(str(r["source"])), class_="source")] for r in rows.to_dict("records")]
    headers = ["input", "range", "at its low", "at its high", "swing", "", "source"]
    note = tag("p", "Each input at its low and its high, all else as it is. Pale: the plans' gaps do not tell the ends "
                    "apart.")
    return note + _wide(tornado(rows, _words(answer.unit))) + table(headers, told, left=2)


def _morris(answer: Answer) -> str:
    rows = answer.tables["inputs"]
    told = [[escape(str(r["input"])), _say(r["effect"]), _say(r["signed"]), _say(r["spread"]), _say(r["confidence"])]
            for r in rows.to_dict("records")]
    note = tag("p", "Mean absolute effect of moving an input across its range, wherever the others stand; the bar is "
                    "its 95 % confidence. A spread as large as the effect means that it depends on the others.")
    headers = ["input", "effect (mu*)", "signed (mu)", "spread (sigma)", "confidence"]
    picture = dots(rows, "input", "effect", _words(answer.unit), spread="confidence")
    return note + _wide(picture) + table(headers, told)


def _sobol(answer: Answer) -> str:
    rows = answer.tables["inputs"]
    told = [[escape(str(r["input"])), _say(r["first"]), _say(r["first_confidence"]), _say(r["total"]),
             _say(r["total_confidence"])] for r in rows.to_dict("records")]
    note = tag("p", f"Share of the variance of {answer.unit}: by the input alone (first), and with all that it does "
                    "together with others (total). Bars are 95 % confidence.")
    charts = "".join(tag("div", tag("h3", words) + dots(rows, "input", column, "share of variance",
                                                        spread=f"{column}_confidence"))
                     for column, words in (("first", "Alone"), ("total", "With all others")))
    headers = ["input", "first", "confidence", "total", "confidence"]
    return note + tag("div", charts, class_="pair") + table(headers, told)


def _break_even(answer: Answer) -> str:
    rows = answer.tables["tried"]
    told = [[escape(str(r["value"])), "holds" if r["holds"] else "fails", _say(r["cost_musd"]), _part(r["short_share"]),
             _say(r["instances_last"]), _gap(r["gap"])] for r in rows.to_dict("records")]
    return table([escape(answer.unit), "condition", "cost, M USD", "not served", "instances, last year", "gap"], told,
                 left=2)


def _frontier(answer: Answer) -> str:
    rows = answer.tables["points"]
    points = rows[pd.to_numeric(rows["y"], errors="coerce").notna() & pd.to_numeric(rows["x"], errors="coerce").notna()]
    picture = ""
    if len(points) > 1:
        name = answer.title.partition(" against ")[2]
        curve = points.astype({"x": float, "y": float}).sort_values("x").set_index("x")[["y"]]
        curve.index.name = name
        picture = _wide(draw(Chart(answer.title, _words(answer.unit), curve)))
    told = [[escape(str(r["value"])), _say(r["x"]), _say(r["y"]), _gap(r["gap"]), _decided(r),
             escape("" if pd.isna(r.get("reason")) else str(r["reason"]))] for r in rows.to_dict("records")]
    note = tag("p", "Not decided: the gaps do not tell the plan from that of the point before.")
    return picture + (note if any(_decided(r) for r in rows.to_dict("records")) else "") + table(
        ["value", "along", answer.unit, "gap", "", "without a plan"], told)


def _alternatives(answer: Answer) -> str:
    sure, plans, power = (answer.tables[name] for name in ("no regret", "plans", "power"))
    firm = [[str(r["year"]), escape(str(r["decision"])), escape(str(r["place"])), escape(str(r["item"])),
             _say(r["at_least"])] for r in sure.to_dict("records")]
    told = [[escape(str(r["plan"])), f"{round(float(r['extra_cost_share']) * 100, 2) + 0.0:+.2f} %",
             _decided(r), _say(r["cost_musd"]), _part(r["short_share"]), _say(r["sites"]),
             escape(str(r["without"] or "")), escape(str(r["instead"] or ""))] for r in plans.to_dict("records")]
    wide = power.pivot_table(index="site", columns="plan", values="facility_mw", aggfunc="sum", fill_value=0.0,
                             sort=False)
    rows = [(str(site), [float(v) for v in row]) for site, row in wide.iterrows()]
    headers = ["facility MW, last year", *map(escape, map(str, wide.columns))]
    standing = (tag("h3", "Where they stand") + heat(headers, rows, whole, float(wide.to_numpy().max()))
                if rows else "")
    lead = "What every one of these plans does: safe to begin with, whichever is chosen." if firm else (
        "They share no decision: nothing here is no-regret.")
    return (tag("h3", f"No-regret <small>{len(firm)} decision{'' if len(firm) == 1 else 's'}</small>") + tag("p", lead)
            + (table(["year", "decision", "place", "item", "at least"], firm, left=4) if firm else "")
            + tag("h3", "The plans") + table(["plan", "extra cost", "", "cost, M USD", "not served", "sites",
                                              "without", "instead"], told) + standing)


def _foresight(answer: Answer) -> str:
    rows = answer.tables["sights"]
    compared, told = "verdict" in rows, []
    for r in rows.to_dict("records"):
        own = [escape(str(r["foresight"])), _say(r["cost_musd"]), _part(r["short_share"]), _say(r["sites"]),
               _gap(r["gap"])]
        extra = f"{float(r['extra_short_share']) * 100:+.2f} pts" if compared else ""
        told.append([*own, _say(r["extra_cost_musd"]), extra, escape(str(r["verdict"]))] if compared else own)
    charts = "".join(tag("div", tag("h3", words) + draw(Chart(words, unit, rows.set_index("foresight")[[column]],
                                                              "bars")))
                     for column, words, unit in (("cost_musd", "Cost over the horizon", "million USD"),
                                                 ("short_share", "Demand not served", "share")))
    headers = ["foresight", "cost, M USD", "not served", "sites", "gap",
               *(["extra cost, M USD", "extra not served", "against perfect"] if compared else [])]
    return tag("div", charts, class_="pair") + table(headers, told)


def _risk(answer: Answer) -> str:
    values, futures, firm = (answer.tables[name] for name in ("values", "futures", "commitments"))
    cards = "".join(tag("div", tag("b", escape(_say(r["musd"]))) + tag("span", escape(f"{r['what']}, million USD")),
                        class_="figure") for r in values.to_dict("records"))
    shown = futures.set_index("future")[["cost_musd", "best_musd"]].rename(
        columns={"cost_musd": "with these commitments", "best_musd": "had it been known"})
    told = [[escape(str(r["future"])), share(float(r["weight"])), _say(r["cost_musd"]), _say(r["best_musd"]),
             _say(r["regret_musd"])] for r in futures.to_dict("records")]
    made = [[escape(str(r["decision"])), escape(str(r["place"])), escape(str(r["item"])), str(r["year"]),
             _say(r["value"])] for r in firm.to_dict("records")]
    return (tag("div", cards, class_="figures") + tag("h3", "Cost by future")
            + _wide(draw(Chart("Cost by future", "million USD", shown, "bars")))
            + table(["future", "weight", "cost, M USD", "if known", "regret"], told)
            + tag("h3", "Committed before anything is known")
            + (table(["decision", "place", "item", "year", "amount"], made, left=4) if made else
               tag("p", "Nothing.")))


DRAWN: dict[str, Callable[[Answer], str]] = {
    "tornado": _tornado, "morris": _morris, "sobol": _sobol, "break-even": _break_even, "frontier": _frontier,
    "alternatives": _alternatives, "foresight": _foresight, "risk": _risk,
}


WORDS = {"cost_musd": "million USD", "usd_per_instance_hour": "USD an instance-hour", "carbon_kt": "kt CO2",
         "instances_last": "instances in the last year", "capex_musd": "million USD of capex",
         "opex_musd": "million USD of opex", "short_share": "share not served", "facility_mw": "MW"}
"""Figures of a plan as units; another keeps its name."""


def _words(figure: str) -> str:
    return WORDS.get(figure, figure.replace("_", " "))


def _wide(picture: str) -> str:
    """A chart alone in its row, no wider than beside another."""
    return tag("div", tag("div", picture), class_="pair")


def _say(value: object) -> str:
    """A number in four digits, so that plans a per cent apart are; a dash where there is none."""
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return "–"
    number = float(str(value))
    if abs(number) >= 1e5:
        return count(number)
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _decided(row: Mapping[Hashable, object]) -> str:
    """Said where the gaps allow no judgement; nothing in answers that were kept before it was told."""
    return "not decided" if row.get("decided") is False else ""


def _part(value: object) -> str:
    return "–" if value is None or pd.isna(value) else share(float(str(value)))  # type: ignore[call-overload]


def _gap(value: object) -> str:
    return "–" if value is None or pd.isna(value) else gap(float(str(value)))  # type: ignore[call-overload]
