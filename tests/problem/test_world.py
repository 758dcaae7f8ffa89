"""Scenario and catalogue side by side: overrides, years on sale, prices, slices of the day."""

import pytest

from capacity.problem.world import HOURS_PER_YEAR, on_duty
from capacity.scenario.schema import LocalHours

NINE_TO_FIVE = {"start": 9, "hours": 8}


def test_what_the_scenario_says_of_a_site_counts(world):
    stated = {"power_price": 0.11, "build_cost_per_mw": 7e6, "opening_cost": 5e6, "lead_time": 30}
    site = world(sites={"abilene": stated}).sites[0]
    assert (site.power_usd_kwh, site.build_musd_per_mw, site.opening_musd, site.lead_months) == (0.11, 7.0, 5.0, 30)
    assert site.grid_limit_mw == 100


def test_a_site_has_nothing_built_unless_the_scenario_says_so(world, cat):
    assert cat.site("abilene").existing_mw > 0
    assert world().sites[0].existing_mw == 0
    assert world(sites={"abilene": {"existing": 40}}).sites[0].existing_mw == 40


def test_the_peak_follows_the_yearly_pue(world):
    """1.25 / 1.2 x 1.44."""
    site = world(sites={"abilene": {"pue": 1.44}}).sites[0]
    assert (site.pue, site.pue_peak) == (1.44, pytest.approx(1.5))


def test_years_on_sale(world):
    """H200: 2024.88, so from 2025 for five years; the scenario may narrow that; rented ones are not sold."""
    years = {"first": 2027, "last": 2032}
    assert list(world(years=years).sold("h200-sxm")) == [2027, 2028, 2029]
    narrowed = {"h200-sxm": {"first": 2028, "last": 2031}}
    assert list(world(years=years, accelerators=narrowed).sold("h200-sxm")) == [2028, 2029, 2030, 2031]
    rented = [{"accelerator": "h100-sxm", "site": "abilene", "price": 2, "max_count": 100}]
    assert list(world(years=years, rentals=rented).sold("h100-sxm")) == []


def test_price_of_the_scenario_or_of_the_catalogue(world, cat):
    assert world().price_usd("h200-sxm", 2028) == 30000
    half = world(accelerators={"h200-sxm": {"price_factor": 0.5}})
    assert half.price_usd("h200-sxm", 2028) == pytest.approx(cat.price("h200-sxm", 2028) / 2)
    low = world(accelerators={"h200-sxm": None}, money__merge={"price_level": "low"})
    assert low.price_usd("h200-sxm", 2028) == cat.price("h200-sxm", 2028, "low")


def test_archetypes_join_the_accelerators(world):
    asked = world(years={"first": 2027, "last": 2033}, archetypes={"include": True, "first": 2029, "every": 2})
    assert [name for name in asked.accelerators if name != "h200-sxm"] == [f"archetype-{y}" for y in (2029, 2031, 2033)]
    assert asked.sold("archetype-2031")[0] == 2031


def test_slices_cover_the_day_and_the_year(world):
    for count in (1, 2, 3, 5, 24):
        slices = world(time_slices=count).slices
        assert len(slices) == count
        assert slices["slice"].is_unique
        assert slices["hours"].sum() == pytest.approx(HOURS_PER_YEAR)
        assert sorted(((slices["start_utc_h"] - slices["start_utc_h"][0]) % 24).round(9)) == pytest.approx(
            [24 / count * i for i in range(count)]
        )


def local_day(**duty):
    chat = {"output_tokens": 1, "fresh_input_tokens": 1, "context_mean": 1, "ttft": 1, "tpot": 1, "duty": duty}
    return {"chat": chat}


def test_slices_start_where_the_working_day_does(world):
    """USA, UTC-6: 9 to 17 local is 15 to 23 UTC. Of three slices of 8 h one should be just that."""
    asked = world(time_slices=3, classes=local_day(**NINE_TO_FIVE), regions=["usa"], demand={
        "classes": {"chat": {"start": 1, "end": 2}}})
    assert asked.slices["start_utc_h"].tolist() == [7, 15, 23]


def test_on_duty_by_hand():
    day = LocalHours(**NINE_TO_FIVE)
    assert [on_duty(day, -6, start, 8) for start in (15, 23, 7)] == [True, False, False]
    assert [on_duty(day, -6, start, 8) for start in (14, 22, 6)] == [True, True, False]
    assert [on_duty(day, 0, start, 6) for start in (0, 6, 12, 18)] == [False, True, True, False]
    assert all(on_duty(LocalHours(start=0, hours=24), 5, start, 6) for start in (0, 6, 12, 18))


@pytest.mark.parametrize("offset", [-6, 0, 5.5, 9])
@pytest.mark.parametrize("length", [4, 6, 8, 12])
def test_on_duty_agrees_with_the_minutes(offset, length):
    """Against counting each minute of a slice."""
    day = LocalHours(start=22, hours=9)
    for start in range(0, 24, length):
        minutes = [(start + m / 60 + 1 / 120 + offset) % 24 for m in range(length * 60)]
        counted = any((minute - 22) % 24 < 9 for minute in minutes)
        assert on_duty(day, offset, start, length) == counted, (offset, start, length)
