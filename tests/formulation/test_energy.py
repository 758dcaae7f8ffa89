"""Energy: sources at the price of the hour, stores between hours, blocks that bridge, limits on what is drawn."""

import pytest

from capacity.errors import InfeasibleError
from capacity.solving import Options, solve
from tests.formulation.golden import check_golden
from tests.support.frames import frame, small


def problem(asked=(4.0, 2.0), **changes):
    """Day and night of 12 h: 4 and 2 MW run, and the hall draws 1. Grid: 10 a MW by day, 2 by night, at most 4 MW.

    A turbine gives 2 MW for 3 a block and 6 a MW; a battery shifts 1 MW for 8 h at 80 % for 4 a block.
    """
    tables = {
        "slices": frame("slice hours", ("day", 4383.0), ("night", 4383.0)),
        "places": frame("place kind", ("S", "site"), ("R", "region")),
        "blocks": frame(
            "place block resource capacity existing", ("S", "hall", "power", 9.0, 1.0),
            ("S", "turbine", "gas", 2.0, 0.0), ("S", "battery", "shift", 1.0, 0.0),
        ),
        "block_cells": frame(
            "place block period max objective", ("S", "turbine", 1, 2.0, 3.0), ("S", "battery", 1, 2.0, 4.0)),
        "assets": frame("asset unit_size", ("g", 1.0)),
        "committed": frame("place asset vintage count", ("S", "g", 0, 4.0)),
        "activities": frame("activity asset commodity output_per_unit", ("run", "g", "c", 1.0)),
        "draws": frame("place activity period amount", ("S", "run", 1, 1.0)),
        "block_draws": frame("place block amount", ("S", "hall", 1.0)),
        "sources": frame(
            "place source period slice max objective", ("S", "grid", 1, "day", 4.0, 10.0),
            ("S", "grid", 1, "night", 4.0, 2.0), ("S", "gas", 1, "day", 0.0, 6.0), ("S", "gas", 1, "night", 0.0, 6.0),
        ),
        "source_blocks": frame("place source block amount", ("S", "gas", "turbine", 2.0)),
        "stores": frame("place store block power energy efficiency", ("S", "battery", "battery", 1.0, 8.0, 0.8)),
        "demands": frame(
            "demand place commodity period slice amount must_serve", ("d", "R", "c", 1, "day", asked[0], True),
            ("n", "R", "c", 1, "night", asked[1], True),
        ),
        "assignments": frame("demand place", ("d", "S"), ("n", "S")),
    }
    return small(**{**tables, **changes})


def solved(*args, **changes):
    return solve(problem(*args, **changes), Options(gap=0.0))


def drawn(solution, source="grid"):
    return solution.values["draw"].query("source == @source").set_index("slice")["value"].to_dict()


NO_STORE = frame("place store block power energy efficiency")
NO_BATTERY = {"stores": NO_STORE}


def test_golden():
    check_golden("energy", problem())


def test_by_hand():
    """By day 5 MW are needed, by night 3. Two turbines (6) give 4 by day (24), the grid 1 (10), and 3 by night (6): 46.
    A battery of 4 gives 8/12 of a MW by day, for 5/6 by night: it saves 20/3 and costs 5/3 + 4, a gain of 1.
    The second battery would save the last third of the grid's day (10/3), then gas (6)."""
    assert solved(**NO_BATTERY).stages[0].objective == pytest.approx(46)
    solution = solved()
    assert solution.stages[0].objective == pytest.approx(46 - 1)
    assert drawn(solution) == pytest.approx({"day": 1 / 3, "night": 3 + 5 / 6})
    assert solution.values["discharge"]["value"].tolist() == pytest.approx([2 / 3])


def test_a_turbine_bridges_what_the_grid_cannot_carry():
    """At the grid's price gas is not worth its block, but the grid ends at 4 MW: one turbine carries the fifth."""
    cheap = problem().table("sources")
    cheap = cheap.assign(objective=cheap["objective"].where(cheap["source"] != "gas", 20.0))
    solution = solved(sources=cheap, **NO_BATTERY)
    assert solution.stages[0].objective == pytest.approx(4 * 10 + 3 * 2 + 3 + 20)
    none = frame("place block period max objective")
    with pytest.raises(InfeasibleError):
        solved(sources=cheap, block_cells=none, **NO_BATTERY)


def test_a_battery_bridges_too():
    """No turbine on offer: of 4.7 MW by day two batteries give 0.8 (one gives 0.67), all that the grid spares by night:
    0.1 more than there must be, since the night's MW costs 2.5 after losses and the day's 10."""
    cells = frame("place block period max objective", ("S", "battery", 1, 2.0, 4.0))
    solution = solved((3.7, 2.0), block_cells=cells)
    assert drawn(solution) == pytest.approx({"day": 3.9, "night": 4.0})
    assert solution.values["built"]["value"].tolist() == [2.0]
    assert solution.stages[0].objective == pytest.approx(39 + 8 + 8)


def test_a_limit_on_carbon_turns_to_the_cleaner_source():
    """At most 3 MW of the grid's average: gas takes what is left, though it is dearer by night."""
    limit = {
        "limits": frame("limit topic sense rhs", ("carbon", "carbon", "<=", 1.5)),
        "limit_terms": frame("limit variable place item period slice coefficient", *(
            ("carbon", "draw", "S", "grid", 1, h, 0.5) for h in ("day", "night"))),
    }
    solution = solved(**limit, **NO_BATTERY)
    assert sum(drawn(solution).values()) == pytest.approx(3)
    assert solution.stages[0].objective > 46


def test_the_cost_of_hours_moves_nothing_but_money():
    """The same energy at one price all day costs 8 x 6."""
    flat = frame("place source period slice objective", ("S", "grid", 1, "day", 6.0), ("S", "grid", 1, "night", 6.0))
    solution = solved(sources=flat, source_blocks=frame("place source block amount"), **NO_BATTERY)
    assert solution.stages[0].objective == pytest.approx(48)


STANDING = frame("place asset per_unit per_amount", ("S", "g", 0.25, 0.25))
BUSY = frame("place activity period amount", ("S", "run", 1, 0.75))
ONE_PRICE = frame("place source period slice objective", ("S", "grid", 1, "day", 6.0), ("S", "grid", 1, "night", 6.0))
PLAIN = {"sources": ONE_PRICE, "source_blocks": frame("place source block amount"), **NO_BATTERY}


def test_what_idles_by_night_draws_too():
    """A quarter of a machine's MW idle: by night 2 of 4 run, so 0.5 MW more than the 8 of the case without, at 6."""
    check_golden("idle", problem(draws=BUSY, idle_draws=STANDING, **PLAIN))
    solution = solved(draws=BUSY, idle_draws=STANDING, **PLAIN)
    assert solution.stages[0].objective == pytest.approx(8.5 * 6)
    assert drawn(solution) == pytest.approx({"day": 5.0, "night": 3.5})


def test_idle_power_retires_what_is_not_needed():
    """Two machines too many stand there free of charge; idle, they would draw 0.25 MW each by day and by night."""
    six = frame("place asset vintage count", ("S", "g", 0, 6.0))
    solution = solved(draws=BUSY, idle_draws=STANDING, committed=six, **PLAIN)
    assert solution.values["alive"]["value"].tolist() == pytest.approx([4.0])
    assert solution.stages[0].objective == pytest.approx(8.5 * 6)


def test_what_is_rented_idles_as_well():
    """Two of the machines are rented at 1 each: as many as run by day, and their idle draw by night is paid for."""
    two = frame("place asset vintage count", ("S", "g", 0, 2.0))
    rent = frame("place asset period max objective", ("S", "g", 1, 9.0, 1.0))
    solution = solved(draws=BUSY, idle_draws=STANDING, committed=two, rentals=rent, **PLAIN)
    assert solution.values["rent"]["value"].tolist() == pytest.approx([2.0])
    assert solution.stages[0].objective == pytest.approx(8.5 * 6 + 2)
