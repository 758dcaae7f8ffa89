"""The answer as tables in the user's words: assembled, audited, stored, shown year by year.

`assemble` makes a Plan from a solution, `audit` recomputes it from the problem, `save_plan` keeps it as a folder.
"""

from capacity.plan.assemble import assemble
from capacity.plan.audit import audit, check_audit
from capacity.plan.current import latest
from capacity.plan.export import export_plan
from capacity.plan.model import Plan
from capacity.plan.show import print_schedule, schedule
from capacity.plan.store import load_plan, save_plan

__all__ = [
    "Plan", "assemble", "audit", "check_audit", "export_plan", "latest", "load_plan", "print_schedule", "save_plan",
    "schedule",
]
