"""What-if studies measured: warm against cold members, two workers against one, own overhead, and kill -9.

    python -m benchmarks.study [--members N] [--cold N] [--pairs N] [--trials N] [--study NAME] [--json]

Each part is left out where its number is 0: `--pairs 0 --trials 0` is warm against cold alone, `--members 0 --pairs 0`
kills alone.

Cold and warm members are solved on the same cores with the same options; CPU seconds are compared, since a machine may
be shared. `killed` runs a small study, kills its whole process group at a random moment and goes on with it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd

from capacity.studies import Study, StudySpec, plan_study, read_study, run_study
from capacity.studies.solve import ROW, Task

SMALL = StudySpec(name="small", scenario="gpt3-2021", design="one_at_a_time", gap=0.05, vary={
    "money.discount_rate": ["7 %", "8 %", "10 %", "11 %"], "demand.amount": ["x0.8", "x1.2"]})
"""The study that is killed: seven members of a second or two."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description=__doc__.splitlines()[0])
    parser.add_argument("--study", default="prices-and-demand", help="whose members are solved")
    parser.add_argument("--members", type=int, default=100)
    parser.add_argument("--cold", type=int, default=10, help="of them solved from nothing too")
    parser.add_argument("--pairs", type=int, default=48, help="members solved by one worker and by two")
    parser.add_argument("--trials", type=int, default=20, help="kills at a random moment")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    whole = plan_study(read_study(asked.study))
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, object] = {}
        if asked.members:
            found |= warm_against_cold(first(whole, asked.members), asked.cold, Path(folder))
        if asked.pairs:
            found |= two_against_one(first(whole, asked.pairs), asked.study, Path(folder))
        if asked.trials:
            found |= killed(asked.trials, random.Random(asked.seed), Path(folder))
    print(json.dumps(found, indent=1) if asked.json else "\n".join(f"{k:34} {v}" for k, v in found.items()))


def first(study: Study, count: int) -> Study:
    """The base and the next members of a study."""
    return replace(study, members=study.members[: count + 1], overrides=study.overrides[: count + 1])


def warm_against_cold(study: Study, cold: int, folder: Path) -> dict[str, object]:
    """Seconds per member; how many goals needed what; the study's own overhead."""
    begun, worked = time.perf_counter(), time.process_time()
    table = run_study(study, folder / "warm")
    wall, cpu = time.perf_counter() - begun, time.process_time() - worked
    members = table[table["member"] > 0]
    if "gap" not in table or members.empty:
        why = table["reason"].iloc[0] or "give --members 1 or more"
        raise SystemExit(f"no member of {study.name} has a plan: {why}")
    step = max(1, len(members) // max(cold, 1))
    chosen = members["member"].tolist()[::step][:cold]
    alone = [cold_row(study, number, folder / "cold") for number in chosen]
    both = members.set_index("member")
    ratio = mean(alone, "cpu_seconds") / members["cpu_seconds"].mean()
    paired = [a["cpu_seconds"] / both.loc[n, "cpu_seconds"] for n, a in zip(chosen, alone, strict=True)]
    return {
        "study": study.name, "members": len(members), "with a plan": int((members["reason"] == "").sum()),
        "largest gap": round(float(members["gap"].max()), 4), "cold members": len(alone),
        "cold CPU s per member": round(mean(alone, "cpu_seconds"), 2),
        "warm CPU s per member": round(float(members["cpu_seconds"].mean()), 2),
        "warm against cold": round(ratio, 2), "the same, median of pairs": round(float(pd.Series(paired).median()), 2),
        "routes": {str(k): int(v) for k, v in members["route"].value_counts().items()},
        "overhead, share of CPU": round(1 - float(table["cpu_seconds"].sum()) / cpu, 4),
        "overhead, share of wall": round(1 - float(table["seconds"].sum()) / wall, 4),
    }


def cold_row(study: Study, number: int, plans: Path) -> dict[str, float]:
    """A member's row when it is solved from nothing, in a fresh process: nothing remembered either."""
    task = Task(study.scenario, (*study.sets, *study.overrides[number]), study.gap, study.time_limit, key=str(number))
    code = ("import json, sys; from pathlib import Path; from capacity.studies.solve import Task, solve_task\n"
            "told = json.loads(sys.argv[1]); told['sets'] = tuple(told['sets'])\n"
            "print(json.dumps(dict(solve_task(Task(**told), Path(sys.argv[2]), None).row)))")
    plans.mkdir(exist_ok=True)
    told = json.dumps(task.__dict__)
    made = subprocess.run([sys.executable, "-c", code, told, str(plans)], check=True, capture_output=True, text=True)
    row: dict[str, float] = json.loads(made.stdout.splitlines()[-1])
    return row


def mean(rows: list[dict[str, float]], key: str) -> float:
    """Mean of a number of rows."""
    return sum(row[key] for row in rows) / max(len(rows), 1)


def two_against_one(study: Study, name: str, folder: Path) -> dict[str, object]:
    """Members per second of two processes against one, the base solved beforehand; each run is a fresh process."""
    took = {}
    for workers in (1, 2):
        target = folder / f"by{workers}" / "s"
        run_study(first(study, 0), target)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "benchmarks.study_run", str(target), "--study", name, "--members",
                        str(len(study.members) - 1), "--workers", str(workers)], check=True)
        took[workers] = time.perf_counter() - begun
    return {"members by one and two workers": len(study.members) - 1,
            "one worker, s": round(took[1], 1), "two workers, s": round(took[2], 1),
            "two workers against one": round(took[1] / took[2], 2), "cores": os.cpu_count(),
            "load of the machine": round(os.getloadavg()[0], 1)}


def killed(trials: int, rng: random.Random, folder: Path) -> dict[str, object]:
    """Kill a study at random moments, go on, and count plans lost and plans solved twice."""
    study = plan_study(SMALL)
    whole = run_study(study, folder / "whole" / "s")
    length = float(whole["seconds"].sum()) / 2 + 4.0
    lost = repeated = different = cut = 0
    for trial in range(trials):
        target = folder / f"killed{trial}" / "s"
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.study_run", str(target)], start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 1.1) * length)
        cut += process.poll() is None
        with suppress(ProcessLookupError):  # it was done before
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        before = finished(target)
        table = run_study(study, target)
        after = finished(target)
        lost += sum(key not in after for key in before) + (len(table) != len(whole)) + int(table["reason"].ne("").sum())
        repeated += sum(after[key] != when for key, when in before.items() if key in after)
        same = ["key", "status", "cost_musd", "route"]
        different += not table[same].equals(whole[same])
    return {"killed while it ran": f"{cut} of {trials}", "plans lost": lost, "plans solved twice": repeated,
            "results unlike those of a whole run": different}


def finished(folder: Path) -> dict[str, int]:
    """When each plan's row was written, by key."""
    return {p.parent.name: p.stat().st_mtime_ns for p in folder.glob(f"plans/*/{ROW}") if p.parent.name[0] != "."}


if __name__ == "__main__":
    main()


