"""`python -m benchmarks.study_run FOLDER`: run the small study of `benchmarks.study` with two workers, to be killed."""

import sys
from pathlib import Path

from benchmarks.study import SMALL
from capacity.studies import plan_study, run_study

if __name__ == "__main__":
    run_study(plan_study(SMALL), Path(sys.argv[1]), workers=2)
