"""Where tasks are solved: in this process, in a pool of processes, or on a Dask cluster.

All three take tasks and give `Done`s as they finish. A pool's worker that dies takes its task with it: the task is
tried once more, and is a row of its own when it kills a worker again. Workers leave when their parent is gone.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from capacity.studies.solve import Done, Task, solve_task

ATTEMPTS = 2
WATCH_S = 0.5


def here(tasks: Sequence[Task], plans: Path, donor: Path | None) -> Iterator[Done]:
    """One after the other in this process."""
    for task in tasks:
        yield solve_task(task, plans, donor)


def pooled(tasks: Sequence[Task], plans: Path, donor: Path | None, workers: int) -> Iterator[Done]:
    """In a pool of processes; at most as many tasks are handed out as there are workers."""
    waiting, tries = list(tasks), dict.fromkeys((t.key for t in tasks), 0)
    pool, running = _pool(workers), dict[Future[Done], Task]()
    try:
        while waiting or running:
            try:
                while waiting and len(running) < workers:
                    task = waiting.pop(0)
                    tries[task.key] += 1
                    running[pool.submit(solve_task, task, plans, donor)] = task
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    done = future.result()
                    del running[future]
                    yield done
            except BrokenProcessPool:
                lost, running = list(running.values()), {}
                pool.shutdown(wait=False, cancel_futures=True)
                pool = _pool(workers)
                waiting = [task for task in lost if tries[task.key] < ATTEMPTS] + waiting
                yield from (_died(task) for task in lost if tries[task.key] >= ATTEMPTS)
    finally:
        _stop(pool)


def _died(task: Task) -> Done:
    why = f"the process that solved it died {ATTEMPTS} times; it may have run out of memory"
    return Done(task.key, {"status": "fault", "reason": why})


def _pool(workers: int) -> ProcessPoolExecutor:
    """Fresh processes: a forked copy of one that runs HiGHS's threads could hang."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (os.getpid(),))


def _begin(parent: int) -> None:
    """Ctrl-C is the parent's to handle, and a worker does not outlive its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the pool now, whatever its workers are at: what they had not finished is solved by the next run."""
    workers = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(5)
