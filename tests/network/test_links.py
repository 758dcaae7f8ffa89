"""Links of a scenario: from the user's table, from a real backbone, along the sea; refusals by name."""

import importlib.util
import math
import sys

import networkx as nx
import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.network.links import link_graph, wave_price_factor
from capacity.network.rtt import wan_figures
from capacity.network.sites import site_graph
from capacity.scenario.wan import Links

CAT = load_catalogue()
FIGURES = wan_figures(CAT)
SITES = [CAT.site(name) for name in ("abilene", "columbus", "hamina", "singapore")]
LINE = [{"between": ["abilene", "columbus"]}, {"between": ["columbus", "hamina"]},
        {"between": ["hamina", "singapore"], "km": 10000}]


def graph(**asked):
    return link_graph(SITES, CAT, Links.model_validate(asked))


def needs(package):
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"needs the package {package}")


def test_without_anything_asked_it_is_the_site_graph():
    ours, plain = graph(), site_graph(SITES, CAT)
    assert set(ours.edges) == set(plain.edges)
    for pair in plain.edges:
        assert plain.edges[pair].items() <= ours.edges[pair].items()
        assert ours.edges[pair]["basis"] == "great circle"
        assert ours.edges[pair]["route_km"] == pytest.approx(1.83 * plain.edges[pair]["km"])


def test_a_row_of_the_table_by_hand():
    row = {"between": ["hamina", "abilene"], "km": 9000, "existing": "200 Gb/s", "lead_time": "18 months",
           "life": "15 years", "most": "1 Tb/s"}
    edge = graph(table=[row]).edges["abilene", "hamina"]
    assert edge["rtt_ms"] == pytest.approx(2 * 9000 / 204.19)
    assert edge["usd_per_gbps_year"] == pytest.approx(12 * (0.5 + 0.03 * 9000))  # submarine
    assert (edge["existing_gbps"], edge["lead_months"], edge["life_years"], edge["most_gbps"]) == (200, 18, 15, 1000)
    assert edge["basis"] == "table"


def test_a_measured_round_trip_and_a_price_stand_as_given():
    row = {"between": ["abilene", "columbus"], "rtt": "31 ms", "price": 7.0}
    edge = graph(table=[row]).edges["abilene", "columbus"]
    assert (edge["rtt_ms"], edge["usd_per_gbps_year"]) == (31, 7)


def test_the_table_alone():
    assert set(graph(table=LINE, only_table=True).edges) == {
        ("abilene", "columbus"), ("columbus", "hamina"), ("hamina", "singapore")}
    with pytest.raises(InputError, match="no way over the links leads from `singapore` to `abilene`"):
        graph(table=LINE[:2], only_table=True)


@pytest.mark.parametrize(("table", "told"), [
    ([{"between": ["abilene", "columbu"]}], r"links.table row 1: `columbu` is no site .*nearest: `columbus`"),
    ([{"between": ["abilene", "abilene"]}], "row 1: `abilene` is linked with itself"),
    ([LINE[0], {"between": ["columbus", "abilene"]}], "row 2: .* is given twice"),
])
def test_what_is_wrong_in_the_table_is_named(table, told):
    with pytest.raises(InputError, match=told):
        graph(table=table)


def test_larger_waves_cost_less_for_a_gigabit():
    factors = [wave_price_factor(g, FIGURES) for g in (50, 100, 200, 400, 800, 1600)]
    assert factors == sorted(factors, reverse=True)
    assert factors[3] == pytest.approx(1.0)
    assert factors[2] == pytest.approx(math.sqrt(factors[1]))  # half way from 100 to 400 in the logarithm


@needs("topohub")
def test_a_real_backbone():
    made = graph(backbone="backbone/world")
    assert nx.is_connected(made)
    edge = made.edges["abilene", "columbus"]
    assert edge["basis"] == "backbone"
    assert edge["route_km"] >= edge["km"]
    with pytest.raises(InputError, match="topohub has no `backbone/moon`"):
        graph(backbone="backbone/moon")
    with pytest.raises(InputError, match=r"site `abilene` is 512 km from `topozoo/Abilene`; allowed: 500 km"):
        graph(backbone="topozoo/Abilene")


@needs("searoute")
def test_cables_go_round_the_capes():
    """Singapore to Hamina: about 7,500 km as the crow flies, more than 13,000 by sea through Suez."""
    made = link_graph([CAT.site("hamina"), CAT.site("sydney")], CAT, Links(sea_distances=True))
    edge = made.edges["hamina", "sydney"]
    assert edge["basis"] == "sea lanes"
    assert edge["route_km"] > 1.2 * edge["km"]


@pytest.mark.parametrize(("package", "asked"), [
    ("topohub", {"backbone": "backbone/world"}), ("searoute", {"sea_distances": True})])
def test_a_missing_package_is_named_with_its_remedy(monkeypatch, package, asked):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"{package} is not installed; .*capacity\[networks\]"):
        graph(**asked)
