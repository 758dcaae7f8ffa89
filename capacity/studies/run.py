"""Running a study: what is known is taken from the store, the rest solved; a finished plan is on disk at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from capacity.errors import CapacityError, InputError
from capacity.studies.file import Study
from capacity.studies.members import Member
from capacity.studies.pool import here, pooled
from capacity.studies.solve import Done, Task, keyed
from capacity.studies.store import Store, results_table

REFRESH_S = 5.0
"""Seconds between two writings of the results while a study runs."""


@dataclass(frozen=True)
class StudyProgress:
    """How far a study is. `left_s` is NaN before anything was solved."""

    total: int
    finished: int
    reused: int
    without_plan: int
    seconds: float
    left_s: float
    latest: str = ""


Listener = Callable[[StudyProgress], None]


@dataclass
class Run:
    """One run of a study; `run_study` makes and drives it."""

    study: Study
    store: Store
    workers: int
    listen: Listener | None = None
    done: dict[int, Done] = field(default_factory=dict)
    reused: int = 0
    solving_s: float = 0.0
    """Sum of the seconds that tasks took, all workers together."""
    begun: float = field(default_factory=time.perf_counter)
    _written: float = 0.0

    def tasks(self) -> dict[int, Task]:
        """A keyed task for each member; a member whose scenario does not load is finished at once, with the reason."""
        found = {}
        for member, sets in zip(self.study.members, self.study.overrides, strict=True):
            task = Task(self.study.scenario, (*self.study.sets, *sets), self.study.gap, self.study.time_limit)
            try:
                found[member.number] = keyed(task)
            except InputError as error:
                if not member.values:
                    raise
                self.done[member.number] = Done("", {"status": "refused", "reason": str(error)})
        return found

    def take(self, numbers: Sequence[int], done: Done, reused: bool = False) -> None:
        """A finished task: kept, told, and now and then written to the results."""
        self.store.note(done)
        for number in numbers:
            self.done[number] = done
        self.reused += len(numbers) if reused else 0
        self.solving_s += 0.0 if reused else float(done.row.get("seconds", 0.0))
        if time.perf_counter() - self._written > REFRESH_S:
            self.write()
        self.tell(self._members[numbers[0]].label)

    def write(self) -> pd.DataFrame:
        """The results so far, to disk."""
        table = results_table(self._members, self.done)
        self.store.write_results(table)
        self._written = time.perf_counter()
        return table

    def tell(self, latest: str = "") -> None:
        """Pass progress on."""
        if self.listen is None:
            return
        total, finished = len(self.study.members), len(self.done)
        fresh = finished - self.reused
        each = self.solving_s / fresh if fresh and self.solving_s else float("nan")
        without = sum(d.folder is None for d in self.done.values())
        left = each * (total - finished) / self.workers
        seconds = time.perf_counter() - self.begun
        self.listen(StudyProgress(total, finished, self.reused, without, seconds, left, latest))

    @property
    def _members(self) -> dict[int, Member]:
        return {m.number: m for m in self.study.members}


def run_study(
    study: Study, folder: Path | str, workers: int = 1, dask: str | None = None, warm: bool = True,
    listen: Listener | None = None,
) -> pd.DataFrame:
    """Solve what is not yet solved and return the results, one row a member, as they stand in `results.parquet`.

    workers: processes; 1 solves in this one. dask: address of a Dask scheduler, instead of processes. warm: start each
    member from the base's plan. Raises InputError for a folder of something else, a base that does not load, or a
    scheduler that is not there. Ctrl-C leaves what is finished on disk; the next run goes on from there.
    """
    store = Store(Path(folder))
    with store.locked():
        run = Run(study, store, max(1, workers), listen)
        tasks = run.tasks()
        store.begin(study, {number: task.key for number, task in tasks.items()})
        try:
            _drive(run, tasks, dask, warm)
        finally:
            table = run.write()
    return table


def _drive(run: Run, tasks: dict[int, Task], dask: str | None, warm: bool) -> None:
    asking: dict[str, list[int]] = {}
    for number, task in tasks.items():
        asking.setdefault(task.key, []).append(number)
    by_key = {task.key: task for task in tasks.values()}
    for key in list(by_key):
        found = run.store.find(key)
        if found is not None:
            del by_key[key]
            run.take(asking[key], found, reused=True)
    run.tell()
    base = next((task for number, task in tasks.items() if not run.study.overrides[number]), None)
    if base is not None and base.key in by_key and warm:
        for done in here([by_key.pop(base.key)], run.store.plans, None):
            run.take(asking[done.key], _whole(done))
    donor = run.store.keepsake(base.key) if base is not None and warm else None
    left = list(by_key.values())
    for done in _executed(left, run, donor, dask) if left else ():
        run.take(asking[done.key], _whole(done))


def _executed(tasks: Sequence[Task], run: Run, donor: Path | None, dask: str | None) -> Iterator[Done]:
    if dask is not None:
        from capacity.studies.cluster import on_dask

        return on_dask(tasks, run.store.plans, donor, dask)
    if run.workers == 1 or len(tasks) == 1:
        return here(tasks, run.store.plans, donor)
    return pooled(tasks, run.store.plans, donor, min(run.workers, len(tasks)))


def _whole(done: Done) -> Done:
    """Raise KeyboardInterrupt where a solve in this process was interrupted: the study stops, nothing is kept of it."""
    if done.row.get("status") == "interrupted":
        raise KeyboardInterrupt
    if "status" not in done.row:
        raise CapacityError(f"task {done.key}: a worker gave no answer")
    return done
