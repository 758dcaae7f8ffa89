"""HiGHS behind its small interface: status first, numbers second."""

import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from capacity.solving.highs import GRACE_S, Deadline, Machine

INF = np.inf
KNAPSACK = sp.csr_matrix(np.array([[5.0, 4.0, 3.0]]))
WORTH = -np.array([10.0, 7.0, 5.0])


def machine(matrix=KNAPSACK, low=(-INF,), high=(9.0,), upper=1.0):
    made = Machine(matrix, np.array(low, dtype=float), np.array(high, dtype=float), threads=1)
    made.set_bounds(np.zeros(matrix.shape[1]), np.full(matrix.shape[1], upper))
    made.set_cost(np.resize(WORTH, matrix.shape[1]))
    return made


def test_a_relaxation_by_hand():
    """5 and 4 fit exactly: 17. The dual: one more of weight would bring 5/3 from the third."""
    answer = machine().run(Deadline(), {"solver": "simplex"})
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(-17)
    assert answer.x == pytest.approx([1, 1, 0])
    assert -1.75 - 1e-9 <= answer.row_dual[0] <= -5 / 3 + 1e-9


def test_whole_numbers_by_hand():
    """Weight 8: relaxed 10 + 7 x 3/4, whole 10 + 5."""
    made = machine(high=(8.0,))
    assert made.run(Deadline(), {}).objective == pytest.approx(-15.25)
    made.set_integer(np.ones(3, dtype=bool))
    answer = made.run(Deadline(), {"mip_rel_gap": 0.0})
    assert answer.status == "optimal"
    assert answer.x == pytest.approx([1, 0, 1])
    assert answer.bound == pytest.approx(-15)


def test_rows_are_added_and_changed():
    made = machine()
    row = made.add_row(-INF, 1.0, np.array([1.0, 1.0, 0.0]))
    assert row == 1
    assert made.run(Deadline(), {}).objective == pytest.approx(-15)
    made.set_row(row, -INF, INF)
    assert made.run(Deadline(), {}).objective == pytest.approx(-17)


def test_infeasible_and_unbounded_are_said():
    assert machine(low=(20.0,), high=(INF,)).run(Deadline(), {}).status == "infeasible"
    free = machine(high=(INF,), upper=INF).run(Deadline(), {"presolve": "off"})
    assert free.status == "unbounded"


def hard(size=60, seed=1):
    """A market split: no whole solution is found or excluded for a long time."""
    draw = np.random.default_rng(seed)
    rows = draw.integers(0, 100, (5, size)).astype(float)
    half = np.floor(rows.sum(axis=1) / 2)
    both = sp.csr_matrix(np.hstack([rows, np.eye(5), -np.eye(5)]))
    made = Machine(both, half, half, threads=1)
    made.set_bounds(np.zeros(size + 10), np.concatenate([np.ones(size), np.full(10, INF)]))
    made.set_cost(np.concatenate([np.zeros(size), np.ones(10)]))
    made.set_integer(np.concatenate([np.ones(size, dtype=bool), np.zeros(10, dtype=bool)]))
    return made


def test_a_limit_keeps_the_best_point():
    begun = time.perf_counter()
    answer = hard().run(Deadline(0.5), {"mip_rel_gap": 0.0})
    assert time.perf_counter() - begun < 5
    assert answer.status == "limit"
    assert answer.x is not None
    assert answer.bound <= answer.objective


def test_each_run_has_its_own_time():
    """HiGHS counts all runs of a model together; a second run is still given its whole limit."""
    made = hard()
    for _ in range(2):
        begun = time.perf_counter()
        assert made.run(Deadline(), {"mip_rel_gap": 0.0, "time_limit": 0.4}).status == "limit"
        assert 0.3 < time.perf_counter() - begun < 5


def test_ctrl_c_stops_the_search_and_marks_the_deadline():
    deadline = Deadline(60.0)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.6)
    try:
        answer = hard().run(deadline, {"mip_rel_gap": 0.0})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert deadline.interrupted
    assert deadline.left() == 0
    assert answer.status == "limit"
    assert answer.x is not None


def test_progress_is_reported():
    told = []
    hard().run(Deadline(1.5), {"mip_rel_gap": 0.0}, report=lambda *now: told.append(now))
    assert told
    assert all(bound <= incumbent + 1e-6 for incumbent, bound, _ in told)
    assert [t[0] for t in told] == sorted((t[0] for t in told), reverse=True)


def test_a_start_is_used():
    """What took half a second to find is there at once."""
    known = hard().run(Deadline(0.5), {"mip_rel_gap": 0.0})
    at_once = hard().run(Deadline(0.02), {"mip_rel_gap": 0.0}, np.round(known.x))
    assert at_once.objective <= known.objective + 1e-6


def test_no_time_no_point():
    answer = hard().run(Deadline(0.0), {"mip_rel_gap": 0.0})
    assert answer.status == "limit"
    assert answer.x is None


def test_deadline():
    assert Deadline(0.0).left() == 0
    assert Deadline().left() == INF
    spent = Deadline(10.0)
    assert 0 < spent.left() <= 10
    spent.interrupted = True
    assert spent.left() == 0


def test_the_constant_part_counts_in_the_gap_that_stops_a_search():
    """Thirty knapsacks over sixty things worth some 800 less a constant of 700: 5 % of the rest, not of the 800."""
    draw = np.random.default_rng(1)
    weights, worth = draw.integers(1, 50, (30, 60)).astype(float), -draw.integers(1, 50, 60).astype(float)
    made = machine(sp.csr_matrix(weights), [-INF] * 30, weights.sum(1) // 3)
    made.set_integer(np.ones(60, dtype=bool))
    made.set_cost(worth, 700.0)
    answer = made.run(Deadline(), {"mip_rel_gap": 0.05})
    assert answer.objective == pytest.approx(float(worth @ answer.x) + 700)
    assert answer.objective - answer.bound <= 0.05 * abs(answer.objective) + 1e-9


def test_what_breaks_off_inside_a_run_is_raised_where_it_was_asked_for():
    machine = Machine(sp.csr_matrix(np.ones((1, 2))), np.ones(1), np.full(1, 2.0))
    machine._stop_if_asked = None

    def fail(event):
        raise ValueError("no such thing")

    machine.highs.cbSimplexInterrupt += fail
    machine.set_cost(np.array([1.0, 2.0]))
    with pytest.raises(RuntimeError, match="broke off"):
        machine.run(Deadline(10.0), {"solver": "simplex", "presolve": "off"})


def test_what_highs_refuses_is_an_error():
    machine = Machine(sp.csr_matrix(np.ones((1, 2))), np.ones(1), np.full(1, 2.0))
    with pytest.raises(RuntimeError, match="take bounds"):
        machine.set_bounds(np.array([2.0, np.nan]), np.array([1.0, 1.0]))


def test_the_time_limit_of_branch_and_bound_counts_from_its_own_start():
    rng = np.random.default_rng(0)
    items, rooms = 60, 30  # multidimensional knapsack: far from solved in the time given
    matrix = sp.csr_matrix(rng.integers(1, 100, (rooms, items)).astype(float))
    room = np.asarray(matrix.sum(axis=1)).ravel() / 3
    machine = Machine(
        matrix, np.full(rooms, -np.inf), room, 1, -rng.integers(1, 100, items).astype(float),
        (np.zeros(items), np.ones(items)), np.ones(items, dtype=bool),
    )
    for _ in range(3):
        start = time.perf_counter()
        machine.run(Deadline(), {"time_limit": 0.4, "mip_rel_gap": 0.0})
        assert time.perf_counter() - start < 0.4 + GRACE_S


def test_a_search_stops_after_so_many_looks_whatever_the_clock():
    rng = np.random.default_rng(1)
    matrix = sp.csr_matrix(rng.integers(1, 100, (20, 40)).astype(float))
    cost, room = -rng.integers(1, 100, 40).astype(float), np.asarray(matrix.sum(axis=1)).ravel() / 3

    def found() -> tuple[float, int]:
        machine = Machine(matrix, np.full(20, -np.inf), room, 1, cost, (np.zeros(40), np.ones(40)),
                          np.ones(40, dtype=bool))
        machine.most_looks = 40
        answer = machine.run(Deadline(), {"mip_rel_gap": 0.0})
        assert answer.status == "limit"
        return answer.objective, machine.looks

    assert found() == found()


def test_what_the_first_solver_prints_is_not_in_what_the_user_asked_for(monkeypatch, capfd):
    import os

    from capacity.solving import highs

    monkeypatch.setattr(highs.highspy, "Highs", lambda: os.write(1, b"Running HiGHS: Copyright\n"))
    highs.without_banner.__wrapped__()
    print("{}")
    assert capfd.readouterr().out == "{}\n"


def test_a_run_that_misjudges_its_start_is_made_again_without_it(monkeypatch):
    """HiGHS 1.16 took the constant off a start's objective once more and called it optimal."""
    made = machine(sp.csr_matrix(np.ones((1, 2))), [1.5], [INF], upper=5.0)
    made.set_integer(np.ones(2, dtype=bool))
    made.set_cost(np.array([1.0, 2.0]), 10.0)
    once, starts = Machine._once, []

    def misjudged(self, deadline, options, start, report):
        starts.append(start is not None)
        answer = once(self, deadline, options, start, report)
        return replace(answer, x=start, objective=float(self.cost @ start) - 10.0) if start is not None else answer

    monkeypatch.setattr(Machine, "_once", misjudged)
    answer = made.run(Deadline(), {}, np.array([5.0, 0.0]))
    assert starts == [True, False]
    assert answer.objective == pytest.approx(12.0)
    assert answer.x == pytest.approx([2.0, 0.0])
