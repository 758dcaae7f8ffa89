"""Sites: when a phase can enter service, how many there is room for, what it costs."""

import pytest

from capacity.problem.places import first_year, places, shell_upkeep

LATER = {"years": {"first": 2027, "last": 2031}}


def cells(asked, site):
    table = places(asked)["block_cells"]
    return table[table["place"] == site].set_index("period")


@pytest.mark.parametrize(("months", "orders_from", "earliest", "first"), [
    (0, 2027, 2020, 2027), (12, 2027, 2020, 2028), (13, 2027, 2020, 2029), (24, 2027, 2020, 2029),
    (24, 2025, 2020, 2027), (24, 2020, 2020, 2027), (24, 2025, 2030, 2030), (48, None, 2020, 2031),
])
def test_the_first_year_is_the_order_and_the_lead_time(world, months, orders_from, earliest, first):
    asked = world(
        **LATER, sites={"abilene": {"lead_time": months, "earliest": earliest}},
        phases={"size": "12.5 MW", "orders_from": orders_from},
    )
    assert first_year(asked, asked.sites[0]) == first
    tables = places(asked)
    assert tables["openings"]["period"].tolist() == list(range(first, 2032))
    assert tables["block_cells"]["period"].tolist() == list(range(first, 2032))


def test_a_site_that_comes_too_late_is_not_offered(world):
    asked = world(sites={"abilene": {"lead_time": 60}, "hamina": None})
    tables = places(asked)
    assert set(tables["block_cells"]["place"]) == {"hamina"}
    assert set(tables["openings"]["place"]) == {"hamina"}
    assert set(tables["places"]["place"]) == {"abilene", "hamina", "usa", "eu"}


def test_room_grows_with_the_grid_until_its_limit(world):
    """Abilene: 50 MW a year up to 100 MW, in phases of 12.5: 4, then 8. Hamina, 24 months: 25 a year from 2028."""
    asked = world(**LATER)
    assert cells(asked, "abilene")["max_total"].tolist() == [4, 8, 8, 8, 8]
    assert cells(asked, "hamina")["max_total"].to_dict() == {2028: 2, 2029: 4, 2030: 6, 2031: 8}
    narrow = world(**LATER, phases={"size": "12.5 MW", "orders_from": 2026, "site_limit": "60 MW", "max_per_year": 3})
    assert cells(narrow, "abilene")["max_total"].tolist() == [4, 4, 4, 4, 4]
    assert set(cells(narrow, "abilene")["max"]) == {3}


def test_what_exists_takes_room_and_needs_no_opening(world):
    """30 MW exist: 2.4 phases, all of them power; 50 more a year up to 100: 4, then 5 new ones (62.5 + 30 < 100)."""
    asked = world(**LATER, sites={"abilene": {"existing": 30}})
    tables = places(asked)
    assert tables["blocks"]["existing"].tolist() == pytest.approx([2.4])
    assert (tables["block_cells"]["max_total"] - 2.4).tolist() == pytest.approx([4, 5, 5, 5, 5])
    assert tables["openings"].empty


def test_a_phase_carries_its_power_over_the_peak_pue(world):
    """12.5 MW / 1.25."""
    assert places(world())["blocks"]["capacity"].tolist() == [10, 10]


def test_money_by_hand(world):
    """A phase: 10 MW x 10 million; prices grow 10 % a year from 2026; 25 %, two years: annuity 5/9.

    2027: 110 x (5/9 + 5/9 x 0.8) and 2 % of it kept up in 2027 and 2028; 2028: 121 x 5/9 x 0.8 and 2 % of it once.
    """
    money = {"build_cost_growth": 1.1, "price_year": 2026, "general_inflation": 0.05}
    tables = places(world(sites={"abilene": None}, money__merge=money))
    phase = tables["block_cells"].set_index("period")
    assert phase["cash"].tolist() == pytest.approx([110, 121])
    assert phase["objective"].tolist() == pytest.approx([110 + 0.02 * 110 * 1.8, 121 * 4 / 9 + 0.02 * 121 * 0.8])
    opening = tables["openings"].set_index("period")
    assert opening["cash"].tolist() == pytest.approx([105, 110.25])
    assert opening["objective"].tolist() == pytest.approx([105, 110.25 * 4 / 9])


def test_a_part_of_a_grid_connection_costs_its_part(world):
    """Half of the 100 MW: half of the 100 million."""
    asked = world(sites={"abilene": None}, phases={"size": "12.5 MW", "orders_from": 2026, "site_limit": "50 MW"})
    assert places(asked)["openings"]["cash"].tolist() == pytest.approx([50, 50])


def test_upkeep_year_by_year_adds_up_to_what_the_cells_charge(world):
    asked = world(**LATER, money__merge={"shell_life": 3})
    tables = places(asked)["block_cells"]
    rows = shell_upkeep(asked, tables)
    assert rows.groupby(["place", "period"]).size().max() == 3
    bare = places(world(**LATER, money__merge={"shell_life": 3, "shell_upkeep_share": 0.0}))["block_cells"]
    both = tables.merge(bare, on=["place", "block", "period"], suffixes=("", "_bare"))
    both = both.merge(rows.groupby(["place", "period"], as_index=False)["objective"].sum(), on=["place", "period"],
                      suffixes=("", "_upkeep"))
    assert (both["objective"] - both["objective_bare"]).tolist() == pytest.approx(both["objective_upkeep"].tolist())
