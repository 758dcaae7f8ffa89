"""A point is polished until every row is met, and one that misses a row by more than a millionth is no plan."""

from __future__ import annotations

import numpy as np

from capacity.solving import Options
from capacity.solving.polish import SOUND
from capacity.solving.search import Search
from tests.support.tiny_problem import tiny_problem


def test_a_rough_point_meets_every_row_after_it_was_polished():
    search = Search(tiny_problem(0), Options(), None)
    goal = search.goals[0]
    point, _ = search.relax(goal, search.form.cost[goal])
    rough = np.where(search.form.integer, np.ceil(point - 1e-6) + 1e-4, point * 1.001)
    assert search.violation(rough) > SOUND
    out = search.polish(rough, search.form.cost[goal])
    assert search.violation(out) <= SOUND
    np.testing.assert_array_equal(out[search.form.integer], np.round(out[search.form.integer]))


def test_a_point_that_misses_a_row_by_more_than_a_millionth_is_refused():
    search = Search(tiny_problem(0), Options(), None)
    goal = search.goals[0]
    point, _ = search.relax(goal, search.form.cost[goal])
    sound = search.polish(np.ceil(point - 1e-6), search.form.cost[goal])
    off = sound * (1 - 4e-6)
    assert SOUND < search.violation(off) < 1e-5
    search.take(off, search.form.cost[goal], goal)
    assert search.best is None
    assert "refused" in search.log[-1]
    search.take(sound, search.form.cost[goal], goal)
    assert search.best is sound
