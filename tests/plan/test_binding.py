"""What binds, in words, where the grid of a site grows by year."""

import pytest

from capacity.plan import assemble
from capacity.problem import build_problem
from capacity.solving import Options, solve
from tests.support.scenarios import round_catalogue, scenario

TURBINE = {"turbine": {"size": "5 MW", "price": "$1 million", "max_count": 1}}


@pytest.fixture(scope="module")
def binds(tmp_path_factory):
    """What binds by year at one site with phases of 12.5 MW, where far more is asked for than it could ever serve."""
    cat = round_catalogue(tmp_path_factory.mktemp("binding"))
    asked = {"classes": {"chat": {"start": "30 million", "end": "40 million"}}, "split": {"usa": 1.0}}

    def told(grid, others=None, **more):
        sites = {"abilene": {"grid": grid}, **(others or {})}
        question = scenario(links={"include": False}, sites=sites, demand=asked, **more)
        problem = build_problem(question, cat)
        plan = assemble(question, problem, solve(problem, Options(gap=0.01)))
        return plan.tables["schedule"].set_index("year")["binds"].to_dict()

    return told


def test_a_grid_that_comes_a_year_later_binds_before(binds):
    told = binds({2028: "30 MW"})
    assert told[2027] == "no grid yet for a phase at 1 of 1 sites"
    assert told[2028].startswith("grid full at 1 of 1 sites")


def test_a_grid_with_room_for_part_of_a_phase_binds(binds):
    assert all(told.startswith("grid full at 1 of 1 sites") for told in binds({2027: "30 MW", 2028: "45 MW"}).values())


def test_power_on_site_is_no_site(binds):
    for told in binds({2027: "30 MW", 2028: "45 MW"}, onsite=TURBINE).values():
        assert told.startswith("power of abilene")
        assert "no more power on site at 1 of 1 sites" in told
        assert "2 sites" not in told


@pytest.mark.parametrize("grid", ["0 MW", "10 MW"])
def test_an_unused_site_without_a_grid_is_told_as_one(binds, grid):
    """Hamina has no grid, or one too small for a phase: its power is no limit that anything comes up against."""
    at_home = {"turbine": {**TURBINE["turbine"], "sites": ["abilene"]}}
    told = binds({2027: "30 MW"}, {"hamina": {"grid": {2027: grid}}}, onsite=at_home)
    for words in told.values():
        assert "power of hamina" not in words
        assert "power of abilene" in words
    assert "no grid yet for a phase at 1 of 2 sites" in told[2028]  # before, no phase could be ready there


def test_a_site_on_its_own_power_alone_is_told(binds):
    """Without a grid, two turbines of 12.5 MW carry two phases: that is all the power there is."""
    own = {"turbine": {"size": "12.5 MW", "price": "$1 million", "max_count": 2}}
    for told in binds({2027: "0 MW"}, onsite=own).values():
        assert told.startswith("power of abilene")
        assert "no grid" not in told
