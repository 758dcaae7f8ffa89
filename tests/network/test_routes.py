"""k shortest routes: against networkx, at the size the planner needs, and with regions that are no way through."""

import time
from itertools import islice, pairwise

import networkx as nx
import numpy as np
import pytest

from capacity.catalogue import load_catalogue
from capacity.network.routes import ACCESS, k_shortest_routes, with_regions
from capacity.network.sites import site_graph

CAT = load_catalogue()
SITES = [CAT.site(name) for name in CAT.table("sites").id]
REGIONS = [CAT.region(name) for name in CAT.table("regions").id]


def random_graph(seed):
    draw = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(9, 0.4, seed=int(draw.integers(1 << 30)))
    out = nx.Graph()
    out.add_nodes_from(str(n) for n in graph)
    for a, b in graph.edges:
        length = float(draw.integers(0, 6))  # ties and zeros on purpose
        out.add_edge(str(a), str(b), link=f"{a}-{b}", rtt_ms=length, km=length, usd_per_gbps_year=1.0)
    return out


@pytest.mark.parametrize("seed", range(25))
def test_lengths_as_networkx_finds_them(seed):
    graph = random_graph(seed)
    routes = k_shortest_routes(graph, graph, graph, 5)
    for (source, target), rows in routes.groupby(["source", "target"]):
        ways = islice(nx.shortest_simple_paths(graph, source, target, weight="rtt_ms"), 5)
        lengths = [nx.path_weight(graph, way, "rtt_ms") for way in ways]
        assert rows["rtt_ms"].tolist() == pytest.approx(lengths)
        assert rows["rank"].tolist() == list(range(len(lengths)))
        assert all(len(set(places)) == len(places) for places in rows["places"])
        assert rows["places"].nunique() == len(rows)
    joined = {(a, b) for a in graph for b in graph if a != b and nx.has_path(graph, a, b)}
    assert set(zip(routes["source"], routes["target"], strict=True)) == joined


def test_a_route_names_its_links_in_order():
    graph = site_graph(SITES[:8], CAT)
    for row in k_shortest_routes(graph, [SITES[0].id], [SITES[5].id], 3).itertuples():
        assert [graph.edges[hop]["link"] for hop in pairwise(row.places)] == list(row.links)
        assert row.rtt_ms == pytest.approx(sum(graph.edges[hop]["rtt_ms"] for hop in pairwise(row.places)))


def test_regions_enter_at_their_nearest_sites_and_are_passed_by_none():
    sites, regions = SITES[:10], REGIONS[:3]
    graph = with_regions(site_graph(sites, CAT), sites, regions, CAT, entries=2)
    routes = k_shortest_routes(graph, [r.id for r in regions], [s.id for s in sites], 4)
    names = {r.id for r in regions}
    assert all(not names & set(places[1:]) for places in routes["places"])
    assert all(links[0] == ACCESS and ACCESS not in links[1:] for links in routes["links"])
    assert routes.groupby("source")["places"].agg(lambda ways: len({way[1] for way in ways})).max() <= 2


def test_sixty_sites_and_ten_regions_in_under_a_second():
    """CPU seconds, so that other work on the machine does not count."""
    draw = np.random.default_rng(0)
    many = [SITES[i] for i in draw.permutation(len(SITES))[:60]]
    assert len(many) == 60
    graph = with_regions(site_graph(many, CAT), many, REGIONS[:10], CAT, entries=3)
    begun = time.process_time()
    routes = k_shortest_routes(graph, [r.id for r in REGIONS[:10]], [s.id for s in many], 4)
    assert time.process_time() - begun < 1.0
    assert len(routes) == 10 * 60 * 4
