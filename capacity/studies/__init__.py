"""Many plans, one question: what-if grids and samples, sensitivity, frontiers, alternatives, foresight, risk.

`run_study(plan_study(read_study(...)), folder)` solves a study's members, warm and in parallel, into a folder that a
later run goes on with.
"""

from capacity.studies.file import Study, StudySpec, list_studies, plan_study, read_study
from capacity.studies.members import Member, Vary, read_vary
from capacity.studies.run import StudyProgress, run_study
from capacity.studies.store import Store

__all__ = [
    "Member", "Store", "Study", "StudyProgress", "StudySpec", "Vary", "list_studies", "plan_study", "read_study",
    "read_vary", "run_study",
]
