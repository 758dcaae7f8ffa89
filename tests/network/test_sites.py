"""The graph of sites: a price by hand, connection, detours, routes against brute force."""

import networkx as nx
import pytest

from capacity.catalogue import Site, load_catalogue
from capacity.errors import InputError
from capacity.network.rtt import wan_figures
from capacity.network.sites import link_name, route_links, shortest_routes, site_graph

CAT = load_catalogue()
ALL = [CAT.site(name) for name in CAT.table("sites").id]


def site(name, country, latitude, longitude):
    return Site(name, name, country, latitude, longitude, 0.06, 300, 11, 100, 24, 1.15, 1.25, 1000, 200, 2027)


FRANKFURT, PARIS = site("fra", "DEU", 50.1155, 8.6842), site("par", "FRA", 48.8534, 2.3488)
LONDON = site("lon", "GBR", 51.5085, -0.1257)


def test_price_and_latency_by_hand():
    graph = site_graph([FRANKFURT, PARIS], CAT)
    edge = graph.edges["fra", "par"]
    assert edge["link"] == "fra--par"
    assert edge["km"] == pytest.approx(479, abs=2)
    assert edge["medium"] == "terrestrial"
    # (0.5 + 0.02 * 479 km * 1.83) USD a month and Gb/s
    assert edge["usd_per_gbps_year"] == pytest.approx(12 * (0.5 + 0.02 * edge["km"] * 1.83))
    # the measured 10 ms or so, or fibre 2 * 479 * 1.83 / 204.19 km/ms = 8.6 ms, whichever is less
    assert edge["rtt_ms"] == pytest.approx(2 * edge["km"] * 1.83 / 204.19)


def test_across_the_sea_is_submarine_and_dearer_per_km():
    graph = site_graph([FRANKFURT, PARIS, LONDON], CAT)
    sea, land = graph.edges["lon", "par"], graph.edges["fra", "par"]
    assert sea["medium"] == "submarine"
    assert sea["usd_per_gbps_year"] / sea["km"] > land["usd_per_gbps_year"] / land["km"]


@pytest.mark.parametrize("neighbours", [1, 2, 4])
def test_connected_with_enough_neighbours_and_no_long_detours(neighbours):
    graph = site_graph(ALL, CAT, neighbours)
    assert set(graph) == {s.id for s in ALL}
    assert nx.is_connected(graph)
    assert min(degree for _, degree in graph.degree()) >= neighbours
    limit = wan_figures(CAT)["detour_limit"]
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph, weight="km"))
    complete = site_graph(ALL, CAT, len(ALL))
    for one, other, edge in complete.edges(data=True):
        assert lengths[one][other] <= limit * edge["km"] + 1e-6


def test_every_edge_is_positive_and_no_faster_than_light():
    for _, _, edge in site_graph(ALL, CAT).edges(data=True):
        assert edge["usd_per_gbps_year"] > 0
        assert edge["rtt_ms"] >= 2 * edge["km"] / 299.792458


def test_routes_against_brute_force():
    graph = site_graph(ALL[:8], CAT, 2)
    routes = shortest_routes(graph).set_index(["source", "target"])
    assert len(routes) == 8 * 7 / 2
    for (one, other), row in routes.iterrows():
        best = min(nx.path_weight(graph, way, "rtt_ms") for way in nx.all_simple_paths(graph, one, other))
        assert row.rtt_ms == pytest.approx(best)


def test_routes_follow_links_from_source_to_target():
    graph = site_graph(ALL[:10], CAT, 2)
    named = {edge["link"]: {one, other} for one, other, edge in graph.edges(data=True)}
    routes = shortest_routes(graph)
    for row in routes.itertuples():
        at = row.source
        for link in row.links:
            assert at in named[link]
            (at,) = named[link] - {at}
        assert at == row.target
    long = route_links(routes)
    assert len(long) == routes.links.map(len).sum()
    assert (long.groupby(["source", "target"]).hop.max() + 1).sum() == len(long)


def test_existing_links_are_in_the_graph():
    far = link_name("abilene", "tokyo")
    graph = site_graph(ALL, CAT, 1, existing={far: 800.0})
    assert graph.edges["abilene", "tokyo"]["existing_gbps"] == 800.0
    others = [e["existing_gbps"] for a, b, e in graph.edges(data=True) if {a, b} != {"abilene", "tokyo"}]
    assert set(others) == {0.0}


def test_one_site_has_no_links():
    graph = site_graph([PARIS], CAT)
    assert list(graph) == ["par"]
    assert graph.number_of_edges() == 0
    assert shortest_routes(graph).empty


def test_bad_input_is_named():
    with pytest.raises(InputError, match="nearest: `abilene--tokyo`"):
        site_graph(ALL, CAT, existing={"abilene--tokio": 800.0})
    with pytest.raises(InputError, match="`fra` is given twice"):
        site_graph([FRANKFURT, FRANKFURT], CAT)
    with pytest.raises(InputError, match="country `Germany`"):
        site_graph([site("x", "Germany", 50, 8), PARIS], CAT)
