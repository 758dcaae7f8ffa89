"""The plan that a folder stands for: its tables, or a better point that a search left there before it was stopped."""

from __future__ import annotations

from pathlib import Path

from capacity.plan.folders import set_aside
from capacity.plan.model import Plan
from capacity.plan.store import load_plan, point_ahead


def latest(folder: Path | str) -> Plan:
    """The plan in a folder. Where a search was killed after it found a better one than the tables tell, they are made
    of that and written first; not while another process searches there. Raises as `load_plan` does."""
    where = set_aside(Path(folder))
    if point_ahead(where):
        from capacity.plan.running import bring_up  # it loads the solver

        bring_up(where)
    return load_plan(where)
