"""One plan as one HTML file: everything inside, nothing fetched, fit for print and small screens."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from importlib.resources import files
from pathlib import Path

from capacity.plan.model import Plan
from capacity.plan.numbers import ended, gap
from capacity.report import sections
from capacity.report.accounts import accounts_section, day_section, options_section
from capacity.report.files import write_whole
from capacity.report.losses import losses_section
from capacity.report.marks import tag
from capacity.report.offers import offers_section
from capacity.report.sharding import sharding_section
from capacity.report.worth import worth_section

SECTIONS: tuple[tuple[str, str, str, Callable[[Plan], str]], ...] = (
    ("schedule", "Year by year", "What is in service in each year, and what it costs. Cash is nominal.",
     sections.schedule_section),
    ("service", "Service", "", sections.service_section),
    ("worth", "What it costs, and against what", "", worth_section),
    ("fleet", "Fleet and money", "", sections.fleet_section),
    ("accounts", "Prices and accounts", "", accounts_section),
    ("options", "On-site power, contracts and training", "", options_section),
    ("sites", "Sites and links", "Where phases stand, who is near, and what is lit between them.",
     sections.sites_section),
    ("placement", "Who is served from where", "Instances in the last year, averaged over the day.",
     sections.placement_section),
    ("day", "The hours of the day", "", day_section),
    ("sharding", "Sharding", "How each model copy is spread: tensor, pipeline, expert and attention-data parallel; "
     "times at the class's percentile, the largest over sites.", sharding_section),
    ("limits", "What binds", "Limits bind that are used to 99 % or more, or leave no room for one more "
     "whole phase or pod.",
     sections.limits_section),
    ("losses", "What losses leave", "In the last year, at the hours that ask for most: those that leave the smallest "
     "share served stand first. Who fails over to where is one way to serve what is asked. Batch work waits.",
     losses_section),
    ("proof", "Proof", "Goals are met in order, each kept while the next is treated. No plan can be below the bound.",
     sections.proof_section),
    ("offers", "Why some choices were not on offer", "", offers_section),
    ("assumptions", "Assumptions", "What the plan stands on. An estimate is a guess: change it and solve again.",
     sections.assumptions_section),
)


def write_report(plan: Plan, path: Path | str) -> Path:
    """Writes the page of a plan at once or not at all; returns its path. Raises InputError when it cannot."""
    return write_whole(Path(path), page(plan))


def page(plan: Plan) -> str:
    """The whole page as text."""
    style = files("capacity.report").joinpath("style.css").read_text(encoding="utf-8")
    name = plan.name or "plan"
    drawn = [(anchor, title, note, body) for anchor, title, note, draw in SECTIONS if (body := draw(plan))]
    links = "".join(tag("a", escape(title), href=f"#{anchor}") for anchor, title, _, _ in drawn)
    parts = "".join(
        tag("section", tag("h2", escape(title)) + (tag("p", escape(note)) if note else "") + body, id=anchor)
        for anchor, title, note, body in drawn
    )
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)} – capacity plan</title><style>{style}</style></head><body>"
        + tag("header", _head(plan, name) + tag("nav", links))
        + tag("main", sections.figures(plan) + parts)
        + tag("footer", tag("p", "Country outlines: Natural Earth, public domain. An instance is one concurrent "
                            "human-equivalent of its service class. MW of facilities count peak PUE."))
        + "</body></html>\n"
    )


def _head(plan: Plan, name: str) -> str:
    about = plan.scenario.description if plan.scenario is not None else ""
    worst = plan.summary["gap"]
    proof = "" if worst is None else f", within {gap(worst)} of the best plan there is"
    told = f"{ended(plan.status)}{proof}, in {plan.summary['seconds']:.0f} s."
    first, *more = re.split(r"(?<=\.) ", str(plan.summary["headline"]))
    return (
        tag("div", escape(name), class_="name") + tag("h1", escape(first))
        + (tag("p", escape(" ".join(more)), class_="lead") if more else "")
        + tag("p", f"{escape(about.strip())} {escape(told)}".strip())
    )
