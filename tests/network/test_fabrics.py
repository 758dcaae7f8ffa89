"""Fabrics: counts known by hand and from public price lists, and structure against graph, cable by cable."""

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.network import fabrics
from capacity.network.clos import largest, lay_out, ports_below
from capacity.network.fabrics import Parts
from capacity.network.measure import measure, totals
from capacity.network.structure import (
    clos_structure,
    dragonfly_structure,
    mesh_structure,
    torus_sides,
    torus_structure,
)

CAT = load_catalogue()
EIGHT = Parts(radix=8, port_gb_s=50.0, switch_price_usd=1000.0, switch_power_w=100.0, end_price_usd=10.0,
              end_power_w=2.0, hop_latency_s=1e-7)
FOUR = Parts(radix=4, port_gb_s=25.0)


@pytest.mark.parametrize(("accelerators", "switches"), [
    (512, 8), (1024, 48), (2048, 96), (8192, 384), (16384, 768), (32768, 2560), (65536, 5120)])
def test_eight_planes_of_radix_64_have_the_published_switches(accelerators, switches):
    assert clos_structure("rail", accelerators, 8, 64, 3).switches == switches


def test_a_single_plane_needs_640_switches_where_eight_need_384():
    assert clos_structure("fat-tree", 8192, 1, 64, 3).switches == 640
    assert clos_structure("rail", 8192, 8, 64, 3).switches == 384


def test_textbook_fat_tree_of_radix_4():
    # Al-Fares et al. 2008: k=4 has 16 hosts, 8 edge, 8 aggregation and 4 core switches
    plan = lay_out(16, 4, 3)
    assert plan.switches == (8, 8, 4)
    assert plan.max_hops == 5
    assert (plan.bisection_share, plan.uniform_share) == (1.0, 1.0)


def test_oversubscription_by_hand():
    # radix 64 at 4: 51 down, 13 up; 408 endpoints fill 8 leaves of 51, 13 uplinks each go to ceil(104 / 64) spines
    assert ports_below(64, 4) == 51
    plan = lay_out(408, 64, 2, 4.0)
    assert plan.switches == (8, 2)
    assert plan.trunk_cables == 104
    assert plan.bisection_share == pytest.approx(13 / 51)


CLOS = [(8, 1, 8, 1, 1.0), (24, 1, 8, 2, 1.0), (32, 1, 8, 2, 1.0), (48, 1, 8, 3, 1.0), (64, 1, 8, 3, 1.0),
        (16, 1, 4, 3, 1.0), (12, 1, 4, 3, 1.0), (64, 4, 8, 2, 1.0), (32, 8, 8, 1, 1.0), (20, 1, 8, 2, 2.0),
        (60, 1, 8, 3, 3.0)]


@pytest.mark.parametrize(("size", "planes", "radix", "tiers", "ratio"), CLOS)
def test_clos_structure_and_graph_agree(size, planes, radix, tiers, ratio):
    structure = clos_structure("x", size, planes, radix, tiers, ratio)
    graph = fabrics.fat_tree(size, Parts(radix=radix, port_gb_s=50.0), tiers, ratio, planes, 450.0)
    measured = measure(graph, 50.0)
    for name in ("size", "tiers", "switches", "access_cables", "trunk_cables", "max_hops"):
        assert getattr(measured, name) == getattr(structure, name), name
    assert measured.bisection_share == pytest.approx(structure.bisection_share)
    if planes == 1:
        assert measured.mean_hops == pytest.approx(structure.mean_hops)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 128), st.sampled_from([4, 6, 8]), st.integers(1, 3), st.sampled_from([1.0, 1.5, 2.0, 4.0]))
def test_no_switch_has_more_cables_than_ports_and_all_are_joined(size, radix, tiers, ratio):
    if size > radix and size > largest(radix, tiers, ratio):
        with pytest.raises(InputError, match="at most"):
            lay_out(size, radix, tiers, ratio)
        return
    graph = fabrics.fat_tree(size, Parts(radix=radix, port_gb_s=50.0), tiers, ratio)
    assert nx.is_connected(graph)
    structure = clos_structure("x", size, 1, radix, tiers, ratio)
    assert sum(kind == "switch" for _, kind in graph.nodes(data="kind")) == structure.switches
    assert sum(edge["cables"] for *_, edge in graph.edges(data=True)) == size + structure.trunk_cables
    for node, kind in graph.nodes(data="kind"):
        ports = sum(edge["cables"] for *_, edge in graph.edges(node, data=True))
        assert ports <= (radix if kind == "switch" else 1)


@pytest.mark.parametrize(("size", "radix", "taper"), [(8, 8, 1.0), (16, 8, 1.0), (32, 8, 1.0), (64, 8, 1.0),
                                                      (64, 8, 2.0), (16, 4, 1.0), (3, 8, 1.0)])
def test_dragonfly_structure_and_graph_agree(size, radix, taper):
    structure = dragonfly_structure(size, radix, taper)
    graph = fabrics.dragonfly_plus(size, Parts(radix=radix, port_gb_s=50.0), taper)
    measured = measure(graph, 50.0)
    for name in ("tiers", "switches", "access_cables", "trunk_cables", "max_hops"):
        assert getattr(measured, name) == getattr(structure, name), name
    assert measured.bisection_share == pytest.approx(structure.bisection_share)
    assert measured.mean_hops == pytest.approx(structure.mean_hops)
    for node, kind in graph.nodes(data="kind"):
        if kind == "switch":
            assert sum(edge["cables"] for *_, edge in graph.edges(node, data=True)) <= radix


@pytest.mark.parametrize(("size", "dimensions"), [(16, 2), (64, 3), (8, 3), (24, 3), (36, 2), (48, 3), (12, 2)])
def test_torus_structure_and_graph_agree(size, dimensions):
    structure, measured = torus_structure(size, dimensions), measure(fabrics.torus(size, dimensions, FOUR), 25.0)
    for name in ("tiers", "switches", "access_cables", "trunk_cables", "max_hops"):
        assert getattr(measured, name) == getattr(structure, name), name
    assert measured.mean_hops == pytest.approx(structure.mean_hops)
    assert measured.bisection_share == pytest.approx(structure.bisection_share)


def test_torus_of_4096_by_hand():
    # 16 x 16 x 16: diameter 3 * 8, cut 2 * 256 links of a sixth over 2048 accelerators; uniform traffic 8/k links
    shape = torus_structure(4096, 3)
    assert torus_sides(4096, 3) == (16, 16, 16)
    assert shape.max_hops == 24
    assert shape.bisection_share == pytest.approx(512 / 6 / 2048)
    assert shape.uniform_share == pytest.approx(8 / 16 / 6 * 4095 / 4096)


def test_torus_of_a_prime_names_the_nearest_size():
    with pytest.raises(InputError, match="nearest size that has them: 12"):
        torus_sides(13, 2)


@pytest.mark.parametrize("size", [2, 5, 8])
def test_mesh_structure_and_graph_agree(size):
    structure, measured = mesh_structure(size), measure(fabrics.full_mesh(size, FOUR), 25.0)
    assert measured.access_cables == structure.access_cables == size * (size - 1) // 2
    assert measured.max_hops == structure.max_hops == 1
    assert measured.bisection_share == pytest.approx(min(1.0, structure.bisection_share * (size / 2) / (size // 2)))


def test_scale_up_domain_of_eight_on_four_switches():
    graph = fabrics.scale_up(8, Parts(radix=8, port_gb_s=450.0 / 4), 4)
    measured = measure(graph, 450.0)
    assert (measured.switches, measured.access_cables, measured.max_hops) == (4, 32, 1)
    assert measured.bisection_share == pytest.approx(1.0)
    with pytest.raises(InputError, match="1 to 8 accelerators"):
        fabrics.scale_up(9, Parts(radix=8, port_gb_s=450.0), 4)


def test_prices_of_a_graph_by_hand():
    # 32 endpoints, radix 8: 8 leaves, 4 spines; 32 + 32 cables with two ends each, none of copper
    sums = totals(fabrics.fat_tree(32, EIGHT, 2))
    assert sums == {"switches": 12, "cables": 64, "optics": 128, "price_usd": 12 * 1000 + 128 * 10,
                    "power_w": 12 * 100 + 128 * 2}


def test_copper_replaces_optics_on_the_accelerators_cables():
    parts = Parts(radix=8, port_gb_s=50.0, end_price_usd=10.0, copper_share=0.75, copper_price_usd=3.0)
    sums = totals(fabrics.fat_tree(32, parts, 2))
    assert sums["optics"] == 2 * (8 + 32)  # 24 of the 32 cables to accelerators are copper
    assert sums["price_usd"] == pytest.approx(24 * 3 + 80 * 10)


def test_rails_reach_each_other_through_the_host():
    graph = fabrics.fat_tree(16, EIGHT, 1, planes=8, host_gb_s=450.0)
    assert nx.is_connected(graph)
    assert graph.nodes["host0"]["kind"] == "scale-up"
    leaves = {n for n in graph.neighbors("acc1") if graph.nodes[n]["kind"] == "switch"}
    assert leaves == {n for n in graph.neighbors("acc9") if graph.nodes[n]["kind"] == "switch"}


def test_too_many_endpoints_name_what_fits():
    with pytest.raises(InputError, match="hold 2048 at most"):
        lay_out(2049, 64, 2)
