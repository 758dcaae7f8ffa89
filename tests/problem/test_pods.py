"""Pod designs: whole scale-up domains, power, price, where and when they can be bought, what is there already."""

import pytest

from capacity.problem.places import places
from capacity.problem.pods import assets, pods, prices


def tables(asked):
    return assets(asked, pods(asked), places(asked))


@pytest.mark.parametrize(("accelerator", "asked", "size"), [
    ("h200-sxm", 1000, 1000), ("h200-sxm", 1001, 1008), ("h200-sxm", 8, 8), ("gb300-nvl72", 1000, 1008),
    ("gb300-nvl72", 72, 72),
])
def test_pods_are_whole_scale_up_domains(world, accelerator, asked, size):
    (pod,) = pods(world(accelerators={accelerator: None}, pods={"size": asked}))
    assert pod.size == size


def test_a_pod_by_hand(world):
    """1000 x 2 kW; a tenth is spare: 900 serve."""
    asked = world()
    (pod,) = pods(asked)
    assert (pod.id, pod.it_mw) == ("h200-sxm", 2.0)
    made = tables(asked)
    assert made["assets"]["unit_size"].tolist() == pytest.approx([0.9])
    assert made["asset_uses"].to_dict("records") == [{"asset": "h200-sxm", "resource": "power", "amount": 2.0}]


def test_a_design_for_each_fabric(world):
    asked = world(pods={"size": 1000, "fabrics": ["rail-2tier", "fat-tree-2tier-oversub4"]})
    rail, tapered = pods(asked)
    assert [rail.id, tapered.id] == ["h200-sxm/rail-2tier", "h200-sxm/fat-tree-2tier-oversub4"]
    assert tapered.fabric_usd < rail.fabric_usd
    assert tapered.interconnect.out_gb_s <= rail.interconnect.out_gb_s


def test_prices_by_hand(world):
    """Chips at the scenario's price in all years; fabric as the network says, growing with inflation from 2026."""
    asked = world(money__merge={"price_year": 2026, "general_inflation": 0.1})
    (pod,) = pods(asked)
    table = prices(asked, [pod]).set_index("vintage")
    assert table["chips"].tolist() == pytest.approx([30, 30])
    assert table["fabric"].tolist() == pytest.approx([pod.fabric_usd * 1.1 / 1000, pod.fabric_usd * 1.21 / 1000])
    assert (table["cash"] - table["chips"] - table["fabric"]).abs().max() < 1e-9


def test_cells_are_bounded_by_the_power_a_site_can_have(world):
    """Abilene 4 phases of 10 MW in 2027, 8 in 2028: 20 and 40 pods of 2 MW; Hamina 2 phases from 2028: 10."""
    cells = tables(world())["asset_cells"].set_index(["place", "vintage"])
    assert cells["max"].to_dict() == {("abilene", 2027): 20, ("abilene", 2028): 40, ("hamina", 2028): 10}
    assert (cells["objective"] / cells["cash"]).tolist() == pytest.approx([1, 4 / 9, 4 / 9])
    assert set(cells["life"]) == {2}


def test_a_pod_larger_than_a_site_is_not_offered_there(world):
    """9000 x 2 kW = 18 MW: more than the 10 MW of IT that an 12.5 MW site can carry."""
    small = world(sites={"abilene": {"grid_limit": 12.5}, "hamina": None}, pods={"size": 9000})
    assert set(tables(small)["asset_cells"]["place"]) == {"hamina"}


def test_existing_power_is_used_before_the_first_phase_can_come(world):
    asked = world(sites={"abilene": {"existing": 25, "lead_time": 24}})
    cells = tables(asked)["asset_cells"].set_index("vintage")
    assert cells.loc[2027, "max"] == 10


def test_nothing_is_sold_outside_its_years(world):
    narrow = {"h200-sxm": {"price": 1.0, "first": 2028, "last": 2029}}
    asked = world(years={"first": 2027, "last": 2030}, accelerators=narrow)
    assert set(tables(asked)["asset_cells"]["vintage"]) == {2028, 2029}


def test_the_existing_fleet_is_counted_in_pods(world):
    fleet = [
        {"site": "abilene", "accelerator": "h200-sxm", "count": 500, "entered": 2026},
        {"site": "abilene", "accelerator": "H200", "count": 1000, "entered": 2026},
        {"site": "hamina", "accelerator": "h100-sxm", "count": 2000, "entered": 2025},
    ]
    asked = world(existing=fleet)
    committed = tables(asked)["committed"].set_index(["place", "asset", "vintage"])["count"]
    assert committed.to_dict() == {("abilene", "h200-sxm", 2026): 1.5, ("hamina", "h100-sxm", 2025): 2.0}
    assert set(tables(asked)["asset_cells"]["asset"]) == {"h200-sxm"}


def test_upkeep_is_a_share_of_the_price_of_the_year(world):
    asked = world()
    made = tables(asked)["upkeep"].set_index(["place", "period"])
    price = prices(asked, pods(asked)).set_index("vintage")["cash"]
    assert made.loc[("abilene", 2028), "cash"] == pytest.approx(0.03 * price[2028])
    assert made.loc[("abilene", 2028), "objective"] == pytest.approx(0.03 * price[2028] * 0.8)


def test_rent_by_hand(world):
    """2 USD an hour in 2026, 10 % dearer each year: 2.2 and 2.42, x 8766 h x 1000 / 1e6; half in 2028."""
    offer = {"accelerator": "h200-sxm", "site": "hamina", "price": 2.0, "price_growth": 1.1,
             "max_count": {2027: 4000, 2028: 2000}}
    asked = world(rentals=[offer], money__merge={"price_year": 2026})
    made = tables(asked)["rentals"].set_index("period")
    assert made["cash"].tolist() == pytest.approx([2.2 * 8.766, 2.42 * 8.766])
    assert made["objective"].tolist() == pytest.approx([2.2 * 8.766, 2.42 * 8.766 * 0.8])
    assert made["max"].tolist() == pytest.approx([4, 2])
    ended = world(rentals=[{**offer, "last": 2027}])
    assert tables(ended)["rentals"]["period"].tolist() == [2027]


def test_sizes_and_scale_up_domains_are_choices_too(world):
    """B200 in its own hosts of 8 or in racks of 72, whose NVLink switches cost more; one size for each domain."""
    asked = world(accelerators={"b200-sxm": None}, pods={"size": 720, "sizes": [1440], "domains": [8, 72]})
    offered = {pod.id: pod for pod in pods(asked)}
    assert list(offered) == [f"b200-sxm/{size}/domain {domain}" for size in (720, 1440) for domain in (8, 72)]
    own, rack = offered["b200-sxm/720/domain 8"], offered["b200-sxm/720/domain 72"]
    assert (own.interconnect.domain, rack.interconnect.domain) == (8, 72)
    assert rack.fabric_usd > own.fabric_usd
    assert [pod.size for pod in offered.values()] == [720, 720, 1440, 1440]


def test_accelerators_without_such_switches_keep_their_domain(world):
    asked = world(accelerators={"mi300x": None}, pods={"size": 720, "domains": [72]})
    (pod,) = pods(asked)
    assert (pod.id, pod.interconnect.domain) == ("mi300x/domain 8", 8)
