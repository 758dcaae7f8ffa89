"""Round trips: distances known from atlases, the fit at its joints, measurements as they stand in the table."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.network.rtt import fibre_ms, fitted_ms, great_circle_km, round_trips, wan_figures

CAT = load_catalogue()
FIGURES = wan_figures(CAT)
LATITUDE, LONGITUDE = st.floats(-90, 90), st.floats(-180, 180)


def place(name, latitude, longitude):
    return SimpleNamespace(id=name, latitude=latitude, longitude=longitude)


def test_a_quarter_of_the_equator_and_the_way_from_pole_to_pole():
    assert great_circle_km(0, 0, 0, 90) == pytest.approx(6371.0088 * np.pi / 2)
    assert great_circle_km(90, 0, -90, 0) == pytest.approx(6371.0088 * np.pi)


def test_london_to_new_york_is_5570_km():
    assert great_circle_km(51.5074, -0.1278, 40.7128, -74.0060) == pytest.approx(5570, abs=5)


@given(LATITUDE, LONGITUDE, LATITUDE, LONGITUDE)
def test_distance_is_symmetric_and_never_beyond_half_way_round(a, b, c, d):
    there, back = float(great_circle_km(a, b, c, d)), float(great_circle_km(c, d, a, b))
    assert there == pytest.approx(back, abs=1e-6)
    assert 0 <= there <= 6371.0088 * np.pi + 1e-6


def test_fit_by_hand():
    # 24.6 + 0.0152 * 5000 = 100.6; at 300 km 29.16; half way between 1.4 (0 km) and 29.16 at 150 km
    assert fitted_ms([0, 150, 300, 5000], FIGURES) == pytest.approx([1.4, 15.28, 29.16, 100.6])


def test_fit_is_continuous_and_rises():
    values = fitted_ms(np.linspace(0, 20000, 20001), FIGURES)
    assert (np.diff(values) > 0).all()
    assert np.diff(values).max() < 0.1  # no jump from one km to the next


def test_measured_pair_is_the_tables():
    metros = CAT.table("metros").set_index("id")
    ends = [place(n, metros.latitude[n], metros.longitude[n]) for n in ("sydney", "frankfurt")]
    table = CAT.table("rtt_measured")
    row = table[(table.source_metro == "frankfurt") & (table.target_metro == "sydney")].iloc[0]
    trips = round_trips(ends[:1], ends[1:], CAT)
    assert trips.basis.tolist() == ["measured"]
    assert trips.rtt_ms[0] == pytest.approx(row.rtt_ms)


def test_the_way_to_the_metros_is_added():
    metros = CAT.table("metros").set_index("id")
    near = place("near", metros.latitude["sydney"] + 0.9, metros.longitude["sydney"])  # 100.1 km north
    far = place("far", metros.latitude["frankfurt"], metros.longitude["frankfurt"])
    at_metro = place("at", metros.latitude["sydney"], metros.longitude["sydney"])
    trips = round_trips([near, at_metro], [far], CAT)
    added = float(trips.rtt_ms[0] - trips.rtt_ms[1])
    assert added == pytest.approx(float(fibre_ms(0.9 * np.pi / 180 * 6371.0088, FIGURES)))
    assert added == pytest.approx(1.79, abs=0.01)  # 2 * 100.1 * 1.83 / 204190 s


def test_far_from_any_metro_the_fit_is_used():
    island = place("island", 0.0, -150.0)  # in the middle of the Pacific
    frankfurt = place("frankfurt", 50.11, 8.68)
    trips = round_trips([island], [frankfurt], CAT)
    assert trips.basis.tolist() == ["fitted"]
    assert trips.rtt_ms[0] == pytest.approx(24.6 + 0.0152 * trips.km[0])


def test_table_has_a_row_for_every_pair_sources_outermost():
    a, b, c = place("a", 10, 10), place("b", 20, 20), place("c", 30, 30)
    trips = round_trips([a, b], [b, c, a], CAT)
    assert trips.source.tolist() == ["a"] * 3 + ["b"] * 3
    assert trips.target.tolist() == ["b", "c", "a"] * 2


def test_sites_and_regions_of_the_catalogue():
    regions = [CAT.region(name) for name in CAT.table("regions").id]
    sites = [CAT.site(name) for name in CAT.table("sites").id]
    trips = round_trips(regions, sites, CAT)
    assert len(trips) == len(regions) * len(sites)
    assert trips.rtt_ms.between(1, 400).all()
    assert (trips.basis == "measured").mean() > 0.25
    light_ms = 2 * trips.km / 299.792458  # nothing is faster than light in vacuum
    assert (trips.rtt_ms >= light_ms).all()


def test_fit_against_the_measurements():
    metros = CAT.table("metros").set_index("id")
    table = CAT.table("rtt_measured")
    one, other = metros.loc[table.source_metro], metros.loc[table.target_metro]
    km = great_circle_km(one.latitude, one.longitude, other.latitude, other.longitude)
    far = km > FIGURES["rtt_fit_from"]
    error = np.abs(fitted_ms(km, FIGURES) / table.rtt_ms.to_numpy() - 1)[far]
    assert np.median(error) < 0.2


def test_a_place_that_is_not_on_earth_is_refused():
    with pytest.raises(InputError, match=r"`moon`.*latitude 91"):
        round_trips([place("moon", 91.0, 0.0)], [place("a", 0, 0)], CAT)
    with pytest.raises(InputError, match="no place on earth"):
        round_trips([place("nowhere", float("nan"), 0.0)], [place("a", 0, 0)], CAT)
