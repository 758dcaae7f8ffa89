"""Collectives of groups: by hand, and the spread of groups by structure and off the graph."""

import numpy as np
import pytest

from capacity.catalogue import load_catalogue
from capacity.network import fabrics
from capacity.network.fabrics import Parts
from capacity.network.figures import fabric_figures, figures_table
from capacity.network.groups import Group, all_reduce, group_of, spread_of
from capacity.network.measure import measured_group
from capacity.network.structure import clos_structure, dragonfly_structure, mesh_structure, torus_structure

CAT = load_catalogue()
H100 = CAT.accelerator("h100-sxm")
# 8 in each of 4 domains; 3 us and 360 GB/s inside, 6 us and 20 GB/s outside, neighbours 5 us and 40 GB/s
FOUR = Group(8, 4, 3e-6, 360.0, 6e-6, 20.0, 5e-6, 40.0)


def test_ring_by_hand():
    """31 of 32 of two laps: 28 steps of 3 us and 4 of 5 us; the rings of 8 ports carry 320 GB/s, less than NVLink."""
    alpha, rate = all_reduce(FOUR, "ring")
    assert alpha == pytest.approx(2 * 31 / 32 * (28 * 3e-6 + 4 * 5e-6))
    assert rate == pytest.approx(32 / 62 * 320)


def test_tree_by_hand():
    alpha, rate = all_reduce(FOUR, "tree")
    assert alpha == pytest.approx(2 * (7 * 3e-6 + 2 * 6e-6))
    assert rate == pytest.approx(160 / 2)


def test_hierarchical_by_hand():
    alpha, rate = all_reduce(FOUR, "hierarchical")
    assert alpha == pytest.approx(4 * 3e-6 + 4 * 6e-6)
    assert 1 / rate == pytest.approx(1.75 / 360 + 1.5 / 160)


def test_a_group_inside_one_domain_never_leaves_it():
    inside = Group(8, 1, 3e-6, 360.0, 6e-6, 20.0, 5e-6, 40.0)
    assert all_reduce(inside, "ring") == (pytest.approx(2 * 7 * 3e-6), pytest.approx(8 / 14 * 360))
    assert all_reduce(Group(1, 1, 3e-6, 360.0, 6e-6, 20.0, 5e-6, 40.0), "ring") == (0.0, np.inf)


def test_groups_and_the_neighbours_whose_switches_they_use():
    assert group_of(20, 8, aligned=False) == (8, 3)
    assert group_of(20, 8, aligned=True) == (1, 20)
    assert [spread_of(16, 8, aligned, rails) for aligned, rails in ((False, 1), (True, 1), (True, 8))] == [16, 128, 128]


def test_rails_keep_aligned_groups_under_one_leaf_where_other_fabrics_spread_them():
    def switches(design):
        table = fabric_figures(CAT, design, H100, 1024, [16]).collectives
        chosen = table[(table["placement"] == "rail-aligned") & (table["algorithm"] == "ring")]
        return chosen["switches"].item()

    assert switches("rail-2tier") == 1  # 32 hosts on each leaf of a plane
    assert switches("rail-1plane-2tier") == 1
    assert switches("fat-tree-2tier") == 3  # 4 hosts on a leaf


@pytest.mark.parametrize(("size", "radix", "tiers", "ratio", "upper"), [
    (32, 8, 2, 1.0, 1.0), (36, 8, 2, 3.0, 1.0), (48, 8, 3, 1.0, 3.0), (64, 8, 3, 1.0, 1.0)])
def test_spread_of_groups_structure_and_equal_cost_routing_agree(size, radix, tiers, ratio, upper):
    plan = clos_structure("x", size, 1, radix, tiers, ratio, upper)
    graph = fabrics.fat_tree(size, Parts(radix=radix, port_gb_s=50.0), tiers, ratio, upper=upper)
    for members in (plan.near, size // 2, size):
        hops, share = measured_group(graph, members, 50.0)
        assert (hops, share) == (plan.group(members)[0], pytest.approx(plan.group(members)[1]))


@pytest.mark.parametrize(("structure", "graph"), [
    (torus_structure(16, 2), fabrics.torus(16, 2, Parts(4, 25.0))),
    (torus_structure(64, 3), fabrics.torus(64, 3, Parts(4, 25.0))),
    (dragonfly_structure(64, 8, 2.0), fabrics.dragonfly_plus(64, Parts(8, 25.0), 2.0)),
    (mesh_structure(8), fabrics.full_mesh(8, Parts(4, 25.0)))])
def test_traffic_of_all_to_all_structure_and_equal_cost_routing_agree(structure, graph):
    hops, share = measured_group(graph, structure.size, 25.0)
    assert hops == structure.max_hops
    assert share == pytest.approx(structure.uniform_share)


def test_tables_name_what_a_design_does_not_hold():
    table = figures_table(CAT, ["rail-2tier", "nvlink-72", "torus-3d", "full-mesh"], H100, [64, 1024])
    assert table["problem"].ne("").tolist() == [False, False, False, True, False, False, False, True]
    assert "1 to 72" in table["problem"].iloc[3]
    assert {"ways", "cut_off_share", "bisection_left", "uniform_share", "alpha_us"} <= set(table.columns)


def test_a_failed_switch_of_one_port_of_two_takes_half_as_much():
    dear, cheap = (fabric_figures(CAT, "fat-tree-2tier", CAT.accelerator(name), 64, ()).tolerance
                   for name in ("h100-sxm", "gb300-nvl72"))
    assert cheap.cut_off_share == 0.0
    assert 1 - cheap.bisection_left == pytest.approx((1 - dear.bisection_left) / 2)
