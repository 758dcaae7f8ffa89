"""Ways between ends and failed switches: by hand, and structure against graph."""

import pytest

from capacity.network import fabrics
from capacity.network.clos import lay_out
from capacity.network.fabrics import Parts
from capacity.network.structure import clos_structure, lay_out_dragonfly, scale_up_structure, torus_sides
from capacity.network.tolerance import (
    clos_tolerance,
    clos_ways,
    dragonfly_tolerance,
    measured_tolerance,
    mesh_tolerance,
    torus_tolerance,
)

PORT = 50.0


def parts(radix):
    return Parts(radix=radix, port_gb_s=PORT)


def test_two_tiers_by_hand():
    # 32 endpoints of radix 8: 8 leaves of 4 with 4 uplinks each, one to each of 4 spines
    plan = clos_structure("x", 32, 1, 8, 2)
    found = clos_tolerance(plan.sides, 32, hosts=False)
    assert found.ways == 4
    assert found.cut_off_share == 4 / 32
    assert found.bisection_left == pytest.approx(3 / 4)  # a leaf leaves 12 of 16 ports, a spine 12 of 16 cables


def test_one_switch_is_one_way_and_all_is_lost_with_it():
    found = clos_tolerance(clos_structure("x", 8, 1, 8, 1).sides, 8, hosts=False)
    assert (found.ways, found.cut_off_share, found.bisection_left) == (1, 1.0, 0.0)


def test_textbook_fat_tree_of_radix_4_has_two_ways_out_of_a_leaf():
    assert clos_ways(lay_out(16, 4, 3)) == 2


CASES = [(32, 1, 8, 2, 1.0, 1.0, 1), (16, 1, 4, 3, 1.0, 1.0, 1), (64, 1, 8, 3, 1.0, 1.0, 1),
         (48, 1, 8, 3, 1.0, 3.0, 1), (36, 1, 8, 2, 3.0, 1.0, 1), (64, 2, 8, 2, 1.0, 1.0, 1),
         (32, 4, 8, 1, 1.0, 1.0, 1), (32, 1, 8, 2, 1.0, 1.0, 4)]


@pytest.mark.parametrize(("size", "planes", "radix", "tiers", "ratio", "upper", "rails"), CASES)
def test_fat_trees_structure_and_graph_agree(size, planes, radix, tiers, ratio, upper, rails):
    plan = clos_structure("x", size, planes, radix, tiers, ratio, upper)
    graph = fabrics.fat_tree(size, parts(radix), tiers, ratio, planes, 450.0, upper=upper, rails=rails)
    last = size - 1 if planes == 1 else (size - 1) // planes * planes
    found = measured_tolerance(graph, PORT, "acc0", f"acc{last}")
    expected = clos_tolerance(plan.sides, size, hosts=max(planes, rails) > 1)
    assert found.ways == expected.ways
    assert found.cut_off_share == pytest.approx(expected.cut_off_share)
    assert found.bisection_left == pytest.approx(expected.bisection_left)


@pytest.mark.parametrize(("size", "planes", "radix", "tiers"), [(8, 4, 8, 1), (16, 3, 8, 2), (8, 1, 8, 1)])
def test_scale_up_domains_structure_and_graph_agree(size, planes, radix, tiers):
    plan = scale_up_structure(size, planes, radix, tiers)
    graph = fabrics.scale_up(size, Parts(radix=radix, port_gb_s=PORT / planes), planes, tiers)
    found = measured_tolerance(graph, PORT, "acc0", f"acc{size - 1}")
    expected = clos_tolerance(plan.sides * planes, size, hosts=False, everywhere=True)
    assert (found.ways, found.cut_off_share) == (expected.ways, expected.cut_off_share)
    assert found.bisection_left == pytest.approx(expected.bisection_left)


@pytest.mark.parametrize(("size", "radix", "taper"), [(64, 8, 1.0), (64, 8, 2.0), (16, 8, 1.0), (4, 8, 1.0)])
def test_dragonfly_structure_and_graph_agree(size, radix, taper):
    graph = fabrics.dragonfly_plus(size, parts(radix), taper)
    found = measured_tolerance(graph, PORT, "acc0", f"acc{size - 1}")
    expected = dragonfly_tolerance(lay_out_dragonfly(size, radix, taper))
    assert (found.ways, found.cut_off_share) == (expected.ways, expected.cut_off_share)
    assert found.bisection_left == pytest.approx(expected.bisection_left)


@pytest.mark.parametrize(("size", "dimensions"), [(16, 2), (64, 3), (36, 2)])
def test_torus_structure_and_graph_agree(size, dimensions):
    sides = torus_sides(size, dimensions)
    middle = 0
    for k in sides:
        middle = middle * k + k // 2
    found = measured_tolerance(fabrics.torus(size, dimensions, parts(4)), PORT, "acc0", f"acc{middle}")
    expected = torus_tolerance(sides)
    assert (found.ways, found.cut_off_share) == (expected.ways, expected.cut_off_share)
    assert found.bisection_left == pytest.approx(expected.bisection_left)


def test_mesh_structure_and_graph_agree():
    found = measured_tolerance(fabrics.full_mesh(8, parts(4)), PORT, "acc0", "acc7")
    expected = mesh_tolerance(8)
    assert (found.ways, found.cut_off_share) == (expected.ways, expected.cut_off_share)
    assert found.bisection_left == pytest.approx(expected.bisection_left)


def test_oversubscription_above_the_second_tier_by_hand():
    # radix 8, 2 to 1 above: 5 ports down and 3 up; 40 endpoints: 10 leaves of 4 in 2 pods of 5, 20 uplinks a pod on
    # 4 aggregation switches, 10 cables from each pod to ceil(20 / 8) cores
    plan = lay_out(40, 8, 3, 1.0, 2.0)
    assert (plan.switches, plan.core_cables_of_pod, plan.trunk_cables) == ((10, 8, 3), (10, 10), 60)
    assert plan.bisection_share == pytest.approx(0.5)
    assert plan.group(4) == (1, 1.0)
    assert plan.group(20) == (3, 1.0)
    assert plan.group(40) == (5, pytest.approx(10 / 20 * 39 / 20))
