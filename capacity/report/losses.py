"""What each planned loss leaves: a section of a plan's page."""

from __future__ import annotations

from html import escape

from capacity.plan.model import Plan
from capacity.plan.told_losses import last_year, lead
from capacity.report.marks import table, tag

MOST_OPEN = 12
"""Losses shown at once; more are folded away below those that leave least."""


def losses_section(plan: Plan) -> str:
    """From which year losses are survived; what is left after each in the last year, and who fails over to where."""
    told = lead(plan)
    if not told:
        return ""
    losses = last_year(plan)
    linked = any(loss.links_gbps != "–" for loss in losses)
    headers = [
        "loss", "instances that fail over", "survived<br><small>since</small>", "accelerators<br><small>left</small>",
        "facility MW<br><small>left</small>", *(["links, Gb/s<br><small>left</small>"] if linked else []),
        "must be served<br><small>of what was</small>", "is served, at least<br><small>of what was</small>",
    ]
    rows = [
        [
            tag("b", escape(loss.case), class_="keep"), escape(loss.moves),
            tag("span", loss.since, class_="bad" if loss.since == "never" else "good"), loss.accelerators,
            loss.facility_mw, *([loss.links_gbps] if linked else []), loss.asked, loss.after,
        ]
        for loss in losses
    ]
    body = tag("p", escape(told)) + table(headers, rows[:MOST_OPEN], left=2)
    if len(rows) > MOST_OPEN:
        body += tag("details", tag("summary", f"{len(rows) - MOST_OPEN} more that leave no less")
                    + table(headers, rows[MOST_OPEN:], left=2))
    return body
