"""The default scenario from the shell: wall time with start-up, and the gap proven for each goal.

    python -m benchmarks.default [SCENARIO] [--gap 2%] [--runs 1] [--json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def timed(command: list[str]) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Wall seconds and the finished process."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return time.perf_counter() - start, done


def measure(scenario: str, gap: str) -> dict[str, object]:
    """One solve in a process of its own."""
    capacity = [sys.executable, "-m", "capacity"]
    with tempfile.TemporaryDirectory() as folder:
        command = [*capacity, "solve", scenario, "--gap", gap, "--out", str(Path(folder) / "plan"), "--json"]
        seconds, done = timed(command)
    if done.returncode not in (0, 4):
        raise SystemExit(f"capacity solve ended with {done.returncode}: {done.stderr.strip()}")
    plan = json.loads(done.stdout)
    return {"seconds": round(seconds, 1), "exit_code": done.returncode, "status": plan["status"],
            "gaps": {stage["goal"]: round(stage["gap"], 5) for stage in plan["stages"]}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenario", nargs="?", default="human-equivalents")
    parser.add_argument("--gap", default="2%")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    helps = sorted(timed([sys.executable, "-m", "capacity", "--help"])[0] for _ in range(5))
    runs = [measure(asked.scenario, asked.gap) for _ in range(asked.runs)]
    if asked.json:
        print(json.dumps({"help_seconds": round(helps[2], 3), "runs": runs}, indent=2))
        return
    print(f"capacity --help   median of 5: {helps[2]:.2f} s   (target 0.3 s)")
    for run in runs:
        gaps = ", ".join(f"{goal} {gap:.2%}" for goal, gap in run["gaps"].items())  # type: ignore[attr-defined]
        print(f"{asked.scenario}: {run['seconds']} s wall, start-up included (target 120 s)")
        print(f"  {run['status']}; gaps: {gaps}")


if __name__ == "__main__":
    main()
