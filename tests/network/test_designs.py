"""Fabric designs: public price steps, generations that fit, what a copy sees of its links."""

from dataclasses import replace

import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.network import domain_price, fabric_design, fabric_graph, interconnect
from capacity.network.figures import figures_table
from capacity.network.measure import totals
from capacity.network.show import design_table, link_table, round_trip_table, route_table

CAT = load_catalogue()
H100, V100, VR200 = CAT.accelerator("h100-sxm"), CAT.accelerator("v100-sxm2-32"), CAT.accelerator("vr200-nvl72")
DESIGNS = CAT.table("fabric_designs")
OUTSIDE = DESIGNS.loc[DESIGNS.kind != "scale-up", "id"].tolist()
STEPS = CAT.table("fabric_costs")
STEPS = STEPS[STEPS.topology.str.startswith("fat-tree") & (STEPS.switches > 0)]


@pytest.mark.parametrize(("size", "published"), list(zip(STEPS.accelerators, STEPS.fabric_usd_per_accelerator,
                                                         strict=True)))
def test_price_steps_of_eight_plane_rails(size, published):
    assert fabric_design(CAT, "rail-3tier", H100, int(size)).price_usd_per_accelerator == pytest.approx(
        published, rel=0.15)


def test_the_price_steps_are_three():
    prices = [fabric_design(CAT, "rail-3tier", H100, n).price_usd_per_accelerator for n in (512, 8192, 65536)]
    assert len(STEPS) >= 7
    assert prices == sorted(prices)
    assert prices[1] > 2 * prices[0]
    assert prices[2] > 1.4 * prices[1]


def test_h100_rail_by_hand():
    # 1024: eight planes of 4 leaves and 2 spines; 2048 cables, 4096 ends at 640; 48 switches at 36000
    fabric = fabric_design(CAT, "rail-2tier", H100, 1024)
    assert (fabric.part, fabric.ports, fabric.tiers, fabric.switches, fabric.cables) == ("ib-ndr", 1, 2, 48, 2048)
    assert fabric.price_usd_per_accelerator == pytest.approx((48 * 36000 + 4096 * 640) / 1024)
    assert fabric.watts_per_accelerator == pytest.approx((48 * 1000 + 4096 * 17) / 1024)
    assert fabric.alpha_s == pytest.approx(5e-6 + 2 * 230e-9)
    assert (fabric.gb_s, fabric.bisection_share, fabric.max_hops) == (50.0, 1.0, 3)


def test_oversubscription_is_cheaper_and_slower():
    full = fabric_design(CAT, "fat-tree-3tier-ethernet", H100, 1024)
    thin = fabric_design(CAT, "fat-tree-2tier-oversub4", H100, 1024)
    assert thin.price_usd_per_accelerator < full.price_usd_per_accelerator
    assert thin.gb_s == pytest.approx(full.gb_s / 4, rel=0.15)  # whole uplinks, and traffic inside a leaf
    assert thin.neighbour_gb_s == full.neighbour_gb_s


@pytest.mark.parametrize(("name", "design", "part", "ports", "gb_s"), [
    ("v100-sxm2-32", "rail-2tier-ethernet", "roce-100", 1, 12.5),
    ("v100-sxm2-32", "rail-2tier", "ib-hdr", 1, 12.5),  # a 200G port split in two
    ("gb300-nvl72", "rail-2tier", "ib-ndr", 2, 100.0),  # two cheap ports for one dear one
    ("vr200-nvl72", "rail-2tier", "uec-1600", 1, 200.0),
    ("vr200-nvl72", "rail-2tier-ethernet", "uec-1600", 1, 200.0),
    ("mi455x", "rail-2tier-ethernet", "roce-800", 3, 300.0),  # 2400 = 3 x 800
])
def test_the_generation_fits_the_accelerators_rate(name, design, part, ports, gb_s):
    fabric = fabric_design(CAT, design, CAT.accelerator(name), 512)
    assert (fabric.part, fabric.ports, fabric.gb_s) == (part, ports, pytest.approx(gb_s))


def test_every_design_and_accelerator_has_figures_at_a_size_it_holds():
    for name, accelerator in CAT.accelerators().items():
        for design in OUTSIDE:
            fabric = fabric_design(CAT, design, accelerator, 64)
            assert fabric.price_usd_per_accelerator > 0, (name, design)
            assert fabric.watts_per_accelerator >= 0
            assert 0 < fabric.gb_s <= fabric.neighbour_gb_s
            assert fabric.neighbour_gb_s == pytest.approx(accelerator.nic_gbit_s / 8)


@pytest.mark.parametrize("design", ["rail-2tier", "rail-1plane-2tier", "fat-tree-3tier", "fat-tree-2tier-oversub4",
                                    "fat-tree-3tier-core7", "dragonfly-plus", "torus-2d", "torus-3d", "full-mesh"])
@pytest.mark.parametrize("accelerator", [H100, V100, VR200])
def test_graph_costs_what_the_figures_say(design, accelerator):
    fabric = fabric_design(CAT, design, accelerator, 64)
    sums = totals(fabric_graph(CAT, design, accelerator, 64))
    assert fabric.switches == fabric.ports * sums["switches"]
    assert fabric.cables == fabric.ports * sums["cables"]
    assert fabric.optics == fabric.ports * sums["optics"]
    assert fabric.price_usd_per_accelerator * 64 == pytest.approx(fabric.ports * sums["price_usd"])
    assert fabric.watts_per_accelerator * 64 == pytest.approx(fabric.ports * sums["power_w"])


@pytest.mark.parametrize(("name", "design", "size", "switches", "tiers"), [
    ("b200-sxm", "nvlink-8", 8, 2, 1),  # 8 x 18 links on two switches of 72 ports
    ("gb200-nvl72", "nvlink-72", 72, 18, 1),  # nine trays of two
    ("gb200-nvl72", "nvlink-576", 576, 18 * (16 + 8), 2),  # leaves of 36 down and 36 up, in each of 18 planes
])
def test_scale_up_domains_by_hand(name, design, size, switches, tiers):
    chip = CAT.accelerator(name)
    domain = fabric_design(CAT, design, chip, size)
    assert (domain.switches, domain.tiers, domain.gb_s) == (switches, tiers, pytest.approx(chip.scale_up_gb_s))
    assert interconnect(CAT, chip, domain).domain == size
    sums = totals(fabric_graph(CAT, design, chip, size))
    assert (sums["switches"], sums["cables"]) == (domain.switches, domain.cables)
    assert sums["price_usd"] == pytest.approx(domain.price_usd_per_accelerator * size)
    with pytest.raises(InputError, match="mi300x` has if-mi300"):
        fabric_design(CAT, design, CAT.accelerator("mi300x"), 8)


def test_one_plane_of_rails_is_priced_as_one_plane():
    assert fabric_design(CAT, "rail-1plane-3tier", H100, 8192).switches == 640
    assert fabric_design(CAT, "rail-3tier", H100, 8192).switches == 384


def test_groups_under_a_leaf_keep_their_bandwidth_where_the_fabric_is_thin():
    thin = fabric_design(CAT, "fat-tree-2tier-oversub4", H100, 1024)  # leaves of 48 or 49
    links = interconnect(CAT, H100, thin)
    assert (links.near, links.near_gb_s) == (48, 50.0)
    assert links.out_gb_s < 15
    assert interconnect(CAT, H100, fabric_design(CAT, "rail-2tier", H100, 1024)).near == 0


def test_interconnect_takes_the_inside_from_the_domain_and_the_outside_from_the_fabric():
    fabric = fabric_design(CAT, "rail-2tier", H100, 1024)
    links, nvlink = interconnect(CAT, H100, fabric), CAT.fabric("nvlink4")
    assert (links.domain, links.up_gb_s, links.reach, links.fabric) == (8, 450.0, 1024, "rail-2tier")
    assert links.up_alpha_s == pytest.approx(nvlink.p2p_alpha_us * 1e-6)
    assert links.up_efficiency == nvlink.efficiency
    assert (links.out_alpha_s, links.out_gb_s) == (fabric.alpha_s, 50.0)
    assert links.out_efficiency == CAT.fabric("ib-ndr").efficiency


def test_a_hundred_thousand_accelerators():
    # a plane of 12500: 391 leaves, as many aggregation switches (13 pods), half as many cores
    fabric = fabric_design(CAT, "rail-3tier", H100, 100_000)
    assert (fabric.tiers, fabric.switches) == (3, 8 * (391 + 391 + 196))


def test_bad_input_is_named():
    with pytest.raises(InputError, match="nearest: `rail-2tier`"):
        fabric_design(CAT, "rail-2teir", H100, 1024)
    with pytest.raises(InputError, match=r"`rail-2tier` for 100000 accelerators.*2048 at most"):
        fabric_design(CAT, "rail-2tier", H100, 100_000)
    with pytest.raises(InputError, match="1 to 64"):
        fabric_design(CAT, "full-mesh", H100, 65)
    with pytest.raises(InputError, match="nic_gbit_s is 0"):
        fabric_design(CAT, "rail-2tier", replace(H100, nic_gbit_s=0.0), 64)
    for design in CAT.table("fabric_designs").id:
        with pytest.raises(InputError, match="allowed are"):
            fabric_design(CAT, design, H100, 0)


def test_tables_for_the_screen():
    table = figures_table(CAT, ["rail-2tier", "torus-3d"], H100, [1024, 1031])
    assert len(table) == 4
    assert table.problem.str.contains("nearest size").tolist() == [False, False, False, True]
    assert table.alpha_us[0] == pytest.approx(5.46)
    with pytest.raises(InputError, match="nearest size"):
        figures_table(CAT, ["torus-3d"], H100, [1031])
    assert set(design_table(CAT)["id"]) >= {"rail-2tier", "fat-tree-3tier", "fat-tree-2tier-oversub4", "torus-3d",
                                            "dragonfly-plus"}


def test_tables_of_sites():
    sites = ["abilene", "dallas", "johor", "singapore"]
    assert "johor--singapore" in link_table(CAT, sites, 1).link.tolist()
    assert len(route_table(CAT, sites)) == 6
    trips = round_trip_table(CAT, ["usa", "south-east-asia"], sites)
    assert trips.index.tolist() == sites
    assert trips.loc["abilene", "usa"] < trips.loc["abilene", "south-east-asia"]


def test_another_scale_up_domain_costs_its_switches_instead():
    # eight B200 on 2 switches at 4000 and 16 copper bundles of 9 links at 20; 72 on 18 and 72 x 18 cables at 40
    chip = CAT.accelerator("b200-sxm")
    eight, rack = (2 * 4000 + 16 * 9 * 20) / 8, (18 * 4000 + 72 * 18 * 40) / 72
    assert domain_price(CAT, chip, 72) == pytest.approx(rack - eight)
    assert domain_price(CAT, chip, 8) == 0.0
    assert domain_price(CAT, CAT.accelerator("mi300x"), 72) is None
    with pytest.raises(InputError, match="holds 576"):
        domain_price(CAT, chip, 1000)
