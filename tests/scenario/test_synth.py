"""Scenarios of any size, drawn from the catalogue."""

from __future__ import annotations

import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.problem import build_problem
from capacity.scenario import check_against, load_scenario
from capacity.scenario.synth import Size, synthesise

SMALL = Size(sites=4, years=3, accelerators=3, classes=2, regions=3)


def test_the_same_seed_writes_the_same_file(tmp_path):
    first, again = (synthesise(tmp_path / folder / "a.yaml", SMALL, 1).read_text()
                    for folder in ("x", "y") if not (tmp_path / folder).mkdir())
    assert first == again
    assert synthesise(tmp_path / "a.yaml", SMALL, 2).read_text() != first


def test_sizes_are_those_asked_for(tmp_path):
    asked = Size(sites=80, years=15, accelerators=24, classes=8, regions=40, slices=2)
    scenario = load_scenario(synthesise(tmp_path / "world", asked, 0))
    check_against(scenario, load_catalogue(scenario.catalogue))
    found = (len(scenario.sites), scenario.years.last - scenario.years.first + 1, len(scenario.accelerators),
             len(scenario.classes), len(scenario.regions), scenario.time_slices)
    assert found == (80, 15, 24, 8, 40, 2)
    assert (tmp_path / "world-tables" / "regions.csv").is_file()


def test_it_becomes_a_problem_where_nearly_all_can_be_served(tmp_path):
    scenario = load_scenario(synthesise(tmp_path / "a", SMALL, 3))
    problem = build_problem(scenario, load_catalogue(scenario.catalogue))
    demands = problem.table("demands")
    reached = demands["demand"].isin(problem.table("assignments")["demand"])
    assert demands.loc[reached, "amount"].sum() >= 0.9 * demands["amount"].sum()
    assert problem.table("assets")["asset"].nunique() == SMALL.accelerators


@pytest.mark.parametrize(("size", "words"), [
    (Size(0, 3, 3, 2, 3), "--sites 0: allowed are 1 to"),
    (Size(4, 3, 3, 2, 300), "--regions 300: allowed are 1 to"),
    (Size(4, 1, 24, 2, 3), "--accelerators 24: only 13 are on sale"),
])
def test_a_size_that_cannot_be_made_is_refused(tmp_path, size, words):
    with pytest.raises(InputError, match=words):
        synthesise(tmp_path / "a", size, 0)
