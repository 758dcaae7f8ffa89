"""A fabric port by port: the parts are all there, and sums, ways and flows are those of the graph by cables."""

from collections import Counter

import networkx as nx
import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.network import fabric_design, fabric_graph, fabrics
from capacity.network.fabrics import Parts
from capacity.network.measure import bisection_share
from capacity.network.port_detail import with_ports

PARTS = Parts(radix=4, port_gb_s=25.0, switch_price_usd=1000.0, switch_power_w=100.0, end_price_usd=10.0,
              end_power_w=2.0, hop_latency_s=1e-7, copper_share=0.5, copper_price_usd=3.0)
GRAPHS = {
    "fat-tree": fabrics.fat_tree(16, PARTS, 3), "rails": fabrics.fat_tree(8, PARTS, 2, planes=2, host_gb_s=200.0),
    "torus": fabrics.torus(9, 2, PARTS), "dragonfly": fabrics.dragonfly_plus(12, PARTS),
}


def kinds(graph):
    return Counter(kind for _, kind in graph.nodes(data="kind"))


def worth(graph, what):
    return sum(v for _, v in graph.nodes(data=what, default=0.0)) + sum(v for *_, v in graph.edges(data=what))


@pytest.mark.parametrize("name", GRAPHS)
def test_every_part_is_a_node_and_the_bill_stays(name):
    graph, fine = GRAPHS[name], with_ports(GRAPHS[name], PARTS)
    cables, optics = (sum(v for *_, v in graph.edges(data=what)) for what in ("cables", "optics"))
    found = kinds(fine)
    assert (found["cable"], found["port"], found["optic"]) == (cables, 2 * cables, optics)
    assert {k: n for k, n in found.items() if k not in ("cable", "port", "optic")} == kinds(graph)
    for what in ("price_usd", "power_w"):
        assert worth(fine, what) == pytest.approx(worth(graph, what))
    assert Counter(m for _, m in fine.nodes(data="medium") if m)["copper"] == cables - optics / 2


@pytest.mark.parametrize("name", GRAPHS)
def test_ways_and_flows_are_those_of_the_cables(name):
    graph, fine = GRAPHS[name], with_ports(GRAPHS[name], PARTS)
    accelerators = [node for node, kind in graph.nodes(data="kind") if kind == "accelerator"]
    far = (accelerators[0], accelerators[-1])
    assert nx.shortest_path_length(fine, *far, weight="latency_s") == pytest.approx(
        nx.shortest_path_length(graph, *far, weight="latency_s"))
    assert bisection_share(fine, accelerators, 25.0) == pytest.approx(bisection_share(graph, accelerators, 25.0))


def test_no_switch_has_more_ports_in_use_than_it_has():
    fine = with_ports(GRAPHS["fat-tree"], PARTS)
    switches = [node for node, kind in fine.nodes(data="kind") if kind == "switch"]
    assert all(fine.degree(node) == 4 for node in switches)
    assert all(fine.nodes[beside]["kind"] == "port" for node in switches for beside in fine[node])


def test_a_design_of_the_catalogue_port_by_port():
    cat = load_catalogue()
    h100 = cat.accelerator("h100-sxm")
    design, fine = fabric_design(cat, "rail-2tier", h100, 64), fabric_graph(cat, "rail-2tier", h100, 64, "ports")
    found = kinds(fine)
    assert (found["optic"], found["switch"]) == (design.optics / design.ports, design.switches / design.ports)
    assert worth(fine, "price_usd") * design.ports / 64 == pytest.approx(design.price_usd_per_accelerator)
    with pytest.raises(InputError, match="allowed are cables and ports"):
        fabric_graph(cat, "rail-2tier", h100, 64, "atoms")
