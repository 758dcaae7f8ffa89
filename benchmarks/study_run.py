"""One run of a study in a process of its own, to be timed or killed.

    python -m benchmarks.study_run FOLDER [--study NAME --members N] [--workers N]

Without a name it is the small study of `benchmarks.study`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.study import SMALL, first
from capacity.studies import plan_study, read_study, run_study


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study_run")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--study")
    parser.add_argument("--members", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    study = plan_study(SMALL) if asked.study is None else first(plan_study(read_study(asked.study)), asked.members)
    run_study(study, asked.folder, workers=asked.workers)


if __name__ == "__main__":
    main()
