"""The race: both contestants reach the optimum of a small instance, and each line says when."""

import json
import signal
import time

import pytest

from benchmarks.reference import main
from benchmarks.reference_race import Clock, stopped_after, table
from tests.benchmarks.files import DATA

FILE = str(DATA / "cmnd" / "r01.1.dow")


def test_both_finish_a_small_instance(capsys):
    assert main(["race", FILE, "--time-limit", "60", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["solver"] for line in lines] == ["ours", "plain HiGHS"]
    for line in lines:
        assert line["instance"] == "r01.1"
        assert line["objective"] == pytest.approx(74079, rel=1e-4)
        assert line["bound"] <= line["objective"] + 1e-6
        assert 0 < line["cpu_s_to_5%"] <= line["cpu_s_to_1%"] <= line["cpu_s"]


def test_a_clock_keeps_the_first_time_of_each_gap():
    clock = Clock()
    clock.note(100.0, 90.0)
    assert clock.reached == {}
    clock.note(float("nan"), 96.0)
    assert list(clock.reached) == [0.05]
    first = clock.reached[0.05]
    clock.note(99.0, 98.9)
    assert clock.reached[0.05] == first
    assert sorted(clock.reached) == [0.01, 0.05]


def test_the_table_shows_what_was_not_reached(capsys):
    clock = Clock()
    clock.note(100.0, 96.0)
    line = {"instance": "x", **clock.told("ours"), "cpu_s": 7.0, "cpu_s_to_5%": 2.0}
    assert table([line]).splitlines()[-1] == "| x | ours | 100 | 96 | 4.00% | 2.0 | - | 7 |"


def test_a_missing_file_is_told(capsys):
    assert main(["race", "none.dow"]) == 2
    assert "none.dow" in capsys.readouterr().err


def busy_until(cpu_s):
    while time.process_time() < cpu_s:
        pass


def test_a_contestant_is_stopped_at_its_cpu_seconds_even_in_the_background():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        begun = time.process_time()
        with pytest.raises(KeyboardInterrupt), stopped_after(0.2):
            busy_until(begun + 20)
        assert time.process_time() - begun < 10
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
