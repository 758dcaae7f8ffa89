"""The same study on a Dask cluster of real processes, one of which is killed while it works."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from capacity.errors import InputError
from capacity.studies import StudySpec, plan_study, run_study
from capacity.studies.cluster import connect, pack, unpack

pytest.importorskip("distributed")
VARY = {"money.discount_rate": [f"{r} %" for r in (5, 8, 11, 14, 17, 20)]}


@pytest.fixture
def cluster(tmp_path):
    """(address, worker processes) of a scheduler and two workers on loopback."""
    address_file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen([sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0",
                                  "--no-dashboard", "--scheduler-file", str(address_file)], **quiet)
    until(address_file.is_file, "the scheduler did not start")
    workers = [subprocess.Popen([sys.executable, "-m", "dask", "worker", "--scheduler-file", str(address_file),
                                 "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1",
                                 "--local-directory", str(tmp_path)], **quiet) for _ in range(2)]
    address = json.loads(address_file.read_text())["address"]
    with connect(address) as client:
        client.wait_for_workers(2, timeout=120)
    yield address, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


def until(done, why, seconds=120):
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, why
        time.sleep(0.1)


@pytest.mark.long
def test_a_killed_worker_loses_nothing(cluster, tiny, tmp_path):
    address, workers = cluster
    study = plan_study(StudySpec(name="s", scenario=tiny, vary=VARY, gap=0.0))
    killed = []

    def listen(step):
        if step.finished == 3 and not killed:
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    away = run_study(study, tmp_path / "a" / "away", dask=address, listen=listen)
    assert killed
    assert workers[0].wait(10) == -signal.SIGKILL
    assert workers[1].poll() is None
    here = run_study(study, tmp_path / "b" / "here")
    same = ["member", "key", "status", "cost_musd", "mix"]
    pd.testing.assert_frame_equal(away[same], here[same])
    assert all((tmp_path / "a" / "away" / "plans" / key / "plan.json").is_file() for key in away["key"])


def test_no_scheduler_is_told(monkeypatch):
    monkeypatch.setattr("capacity.studies.cluster.CONNECT_S", 1.0)
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        connect("tcp://127.0.0.1:9")


def test_plans_travel_whole(tmp_path):
    (tmp_path / "plan" / "tables").mkdir(parents=True)
    (tmp_path / "plan" / "tables" / "a.parquet").write_bytes(b"abc")
    (tmp_path / "plans").mkdir()
    there = unpack(pack(tmp_path / "plan"), tmp_path / "plans", "k")
    assert (there / "tables" / "a.parquet").read_bytes() == b"abc"
    assert [p.name for p in (tmp_path / "plans").iterdir()] == ["k"]
