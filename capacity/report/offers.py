"""What was not on offer and why, and how round trips were known."""

from __future__ import annotations

from html import escape

from capacity.plan.model import Plan
from capacity.plan.numbers import share
from capacity.plan.offers import mirrored_nowhere, refused_groups, refused_share, trips_known
from capacity.report.marks import table, tag


def offers_section(plan: Plan) -> str:
    """Combinations refused, grouped by reason; measured and fitted round trips."""
    shut = mirrored_nowhere(plan)
    return _refused(plan) + _trips(plan) + (tag("p", escape(shut)) if shut else "")


def _refused(plan: Plan) -> str:
    missing, tried = refused_share(plan)
    if not tried:
        return ""
    whole = f"{tried} combinations of class, model variant and pod design"
    if not missing:
        return tag("p", f"All {whole} can be served within the class's limits: every one was on offer.")
    rows = [[escape(g[c]) for c in ("service_class", "variant", "pods", "reason")] for g in refused_groups(plan)]
    told = f"{missing} of {whole} keep no limits; the reason is told of the first pod design of each row."
    return tag("p", told) + table(["class", "variant", "pod designs", "reason"], rows, left=4)


def _trips(plan: Plan) -> str:
    rows = [
        [escape(basis), str(pairs), share(part)] for basis, (pairs, part) in trips_known(plan).items()
    ]
    if not rows:
        return ""
    headers = ["round trips", "pairs of region and site", "share of all years' instance-hours served over them"]
    return tag("h3", "How round trips between regions and sites are known") + table(headers, rows)
