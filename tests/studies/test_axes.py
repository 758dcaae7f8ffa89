"""Frontiers along what users ask about: instances, latency, speed. Each point is what solving there alone gives."""

import pytest

from capacity.studies import StudySpec, plan_study, run_study
from capacity.studies.ask import Asked
from capacity.studies.frontier import frontier


@pytest.mark.parametrize(("path", "low", "high", "rises"), [
    ("demand.amount", "x0.5", "x1.5", True),
    ("classes.chat.tpot", "10 ms", "50 ms", False),
    ("classes.chat.speed", "1", "10", True),
])
def test_points_are_plans_of_their_own(tiny, tmp_path, path, low, high, rises):
    found = frontier(Asked(tiny, tmp_path / "s" / "s", gap=0.0), path, low, high, accuracy=0.9, most=3)
    cost = found.points["cost_musd"].tolist()
    assert (cost[-1] > cost[0] * 1.01) if rises else (cost[0] > cost[-1] * 1.01)
    alone = StudySpec(name="alone", scenario=tiny, vary={path: [low, high]}, gap=0.0)
    direct = run_study(plan_study(alone), tmp_path / "t" / "alone", warm=False)
    assert [cost[0], cost[-1]] == pytest.approx(direct["cost_musd"].tolist()[1:], rel=1e-6)
