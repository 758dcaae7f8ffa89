"""The tables of places: complete, consistent with each other, made by the rules they state."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capacity.catalogue import load_catalogue

CAT = load_catalogue()
SITES, REGIONS, COUNTRIES = CAT.table("sites"), CAT.table("regions"), CAT.table("region_countries")
TABLES = ["sites", "regions", "region_countries", "wages", "metros", "rtt_measured", "wan_costs", "power_prices",
          "carbon", "build_costs", "lead_times", "build_times", "campuses", "fabric_designs"]


@pytest.mark.parametrize("name", TABLES)
def test_table_is_valid_and_every_row_has_its_source(name):
    table = CAT.table(name)
    assert len(table)
    assert (table.source.str.len() > 10).all()
    assert set(table.confidence) <= {"published", "derived", "estimate"}


def test_regions_hold_the_population_of_the_world():
    assert len(REGIONS) in range(12, 17)
    assert 8100 < REGIONS.population_m.sum() < 8200
    assert REGIONS.gdp_busd.sum() == pytest.approx(114000, rel=0.02)
    sums = COUNTRIES.groupby("region")[["population_m", "gdp_busd"]].sum()
    assert set(sums.index) == set(REGIONS.id)
    for name in ("population_m", "gdp_busd"):
        assert np.allclose(REGIONS.set_index("id")[name], sums.loc[REGIONS.id, name], rtol=1e-3)


def test_wage_of_a_region_is_the_mean_of_its_countries():
    wages = CAT.table("wages").merge(COUNTRIES[["iso3", "region", "population_m"]], on="iso3")
    hourly = wages.nominal_usd_year / wages.hours_year
    mean = (hourly * wages.population_m).groupby(wages.region).sum() / wages.groupby("region").population_m.sum()
    assert np.allclose(REGIONS.set_index("id").wage_usd_h, mean.loc[REGIONS.id], atol=0.006)


def test_every_country_of_the_reference_population_has_a_region():
    folder = os.environ.get("CAPACITY_REFERENCE")
    if not folder:
        pytest.skip("CAPACITY_REFERENCE names no folder of reference tables")
    reference = pd.read_csv(Path(folder) / "catalogue" / "population_country.csv", keep_default_na=False)
    assert set(reference.iso3) <= set(COUNTRIES.iso3)


def test_sites_stand_on_every_continent():
    assert len(SITES) >= 48
    regions = COUNTRIES.set_index("iso3").region
    served = set(regions.loc[SITES.country])
    assert served >= set(REGIONS.id) - {"south-asia"}
    assert COUNTRIES.set_index("iso3").landmass.loc[SITES.country].nunique() >= 8


def test_no_site_is_named_as_a_region():
    assert not set(SITES.id) & set(REGIONS.id)


def test_sites_by_the_rules_they_state():
    acres_per_mw, substation, per_mw = 0.742, 60, 0.06  # schema/sites.yaml, opening_musd
    opening = acres_per_mw * SITES.land_usd_acre * SITES.grid_limit_mw / 1e6 + substation + per_mw * SITES.grid_limit_mw
    assert np.allclose(SITES.opening_musd, opening, atol=0.06)
    campuses = CAT.table("campuses").groupby("site").facility_mw.sum()
    assert np.allclose(SITES.observed_mw, SITES.id.map(campuses).fillna(0))
    assert np.allclose(SITES.existing_mw, SITES.observed_mw / 2)
    assert (SITES.existing_mw <= SITES.grid_limit_mw).all()
    assert (SITES.grid_ramp_mw <= SITES.grid_limit_mw / 4).all()
    assert SITES.grid_limit_mw.between(500, 6000).all()
    assert (SITES.pue_peak > SITES.pue).all()
    assert (SITES.earliest >= 2027).all()
    for fields in SITES.estimated_fields:
        assert set(fields.split(";")) <= set(SITES.columns)


def test_site_prices_are_those_of_the_power_table():
    prices = CAT.table("power_prices").set_index("id").large_user_usd_kwh
    named = SITES.power_basis.str.extract(r"^power_prices ([^:]+):")[0]
    from_table = named.notna()
    assert from_table.sum() > 30
    assert np.allclose(SITES.power_usd_kwh[from_table], prices.loc[named[from_table]])
    guessed = SITES.estimated_fields.str.split(";").map(lambda fields: "power_usd_kwh" in fields)
    assert guessed[~from_table].all()


def test_a_card_for_every_site_and_region():
    assert len([CAT.site(name) for name in SITES.id]) == len(SITES)
    assert {CAT.region(name).id for name in REGIONS.id} == set(REGIONS.id)


def test_each_measured_pair_stands_once():
    pairs = CAT.table("rtt_measured")
    assert (pairs.source_metro < pairs.target_metro).all()
    assert (pairs.rtt_ms <= pairs.rtt_max_ms).all()
