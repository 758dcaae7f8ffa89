"""Random small scenarios with random subsets of every optional feature, from a seed: questions as users ask them.

Two sites of round numbers, two or three years, one accelerator of round price; each feature is a few keys whose amounts
are drawn. `MAY_FAIL` names those that may leave no plan at all.
"""

from itertools import combinations

import numpy as np

from capacity.scenario.check import disagreements
from tests.support.scenarios import FLAT, scenario

TOKENS = {"output_tokens": "30k", "fresh_input_tokens": "10k", "context_mean": "8k"}
CHAT = TOKENS | {"ttft": "2 s", "tpot": "50 ms"}


def _halls(r):
    return {"phases__merge": {"types": {"air": {"max_rack": f"{r.choice([10, 20])} kW"},
                                        "liquid": {"max_rack": "200 kW", "cost_factor": 1.4, "lead_time": 6}}}}


def _batch(r):
    return {"classes__merge": {"study": TOKENS | {"batch": True}}, "demand.classes": {"study": _path(r)},
            "equivalence": {"study": 1.0}, "time_slices": 3}


def _office(r):
    return {"classes__merge": {"desk": CHAT | {"duty": {"start": 9, "hours": 8}, "max_rtt": "150 ms"}},
            "demand.classes": {"desk": _path(r)}, "equivalence": {"desk": 1.0}, "time_slices": 3}


def _path(r):
    return {"start": float(r.uniform(3e5, 3e6)), "end": float(r.uniform(3e5, 6e6))}


def _small(r):
    return {"variants__merge": {"small": {
        "model": "gpt-oss-20b", "weights": "fp4", "equivalence": {"chat": float(r.uniform(0.6, 1))},
        "available": int(r.integers(2027, 2029)), "max_share": {"chat": float(r.uniform(0.2, 0.7))}}}}


def _worth(r):
    share = float(r.uniform(0.3, 0.7))
    return {"demand__merge": {"worth": {"chat": [{"share": share, "worth": float(r.uniform(0.001, 0.02))},
                                                 {"share": 1 - share, "of_wage": 0.5}]}},
            "goal": {"kind": "most_surplus"}}


FEATURES = {
    "halls": _halls,
    "grid by year": lambda r: {"abilene": {"grid": {2027: float(r.integers(10, 40)), 2028: 60.0}}},
    "on-site generation": lambda r: {"onsite__merge": {"turbines": {
        "size": 12.5, "price": 1e6, "energy_price": 0.06, "max_count": 2, "sites": ["abilene"]}}},
    "on-site storage": lambda r: {"onsite__merge": {"battery": {
        "size": 10, "price": 1e5, "storage": "4 h", "firm": 0.5}}, "time_slices": 3},
    "leases": lambda r: {"leases": [{"site": "abilene", "size": 12.5, "price": float(r.uniform(2e6, 8e6)), "term": 1}]},
    "owned site given up": lambda r: {"abilene": {"existing": 25, "holding_cost": float(r.uniform(1e6, 5e7)),
                                                   "sale_value": float(r.uniform(0, 2e8))}},
    "failures and ageing": lambda r: {"pods__merge": {"failures": {
        "per_year": float(r.uniform(0.1, 1)), "growth": 1.5}}},
    "resale": lambda r: {"money__merge": {"resale": float(r.uniform(0.3, 0.9))}},
    "old stock": lambda r: {"abilene": {"existing": 25}, "existing": [
        {"site": "abilene", "accelerator": "h200-sxm", "count": 2000, "entered": 2026}]},
    "rent": lambda r: {"rentals": [{"accelerator": "h200-sxm", "site": "abilene", "price": float(r.uniform(1, 5)),
                                    "max_count": float(r.integers(500, 5000))}]},
    "reservations": lambda r: {"reservations": [{
        "accelerator": "h200-sxm", "site": "hamina", "term": int(r.integers(1, 4)), "max_count": 3000,
        "price": float(r.uniform(0.5, 3))}]},
    "exports": lambda r: {"exports": [{"accelerators": ["h200-sxm"], "countries": ["FIN"],
                                       "most": float(r.choice([0, 2000]))}]},
    "vendor share": lambda r: {"accelerators__merge": {"mi300x": {"price": 35000, "last": 2030}},
                               "supply__merge": {"vendor_share": {"NVIDIA": float(r.uniform(0.3, 0.8))}}},
    "minimum order": lambda r: {"h200": {"minimum_order": 3000, "order_cost": float(r.uniform(0, 1e7))}},
    "contract": lambda r: {"h200": {"contract": {2028: 2000}}},
    "lead time": lambda r: {"h200": {"lead_time": "20 months"}},
    "price path": lambda r: {"h200": {"price": None, "price_by_year": {2027: 35000, 2029: 20000}}},
    "packaging": lambda r: {"supply__merge": {"packaging": {2027: float(r.uniform(50, 300))}}},
    "budget carried over": lambda r: {"money__merge": {
        "capex_budget": {2027: float(r.uniform(2e8, 9e8))}, "carry_over": bool(r.random() < 0.7)}},
    "milestones": lambda r: {"money__merge": {"milestones": {
        "accelerators": {1: 0.4, 0: 0.6}, "shell": {2: 0.5, 0: 0.5}}}},
    "no horizon credit": lambda r: {"money__merge": {"horizon_credit": False}},
    "hour prices": lambda r: {"energy__merge": {"hour_prices": [{"start": 8, "hours": 12, "factor": 2.0}],
                                                "overhead_fixed": float(r.uniform(0, 1))}, "time_slices": 3},
    "carbon and water": lambda r: {"energy__merge": {
        "carbon_limit": {2027: float(r.uniform(2e4, 1e5))}, "water_price": 3.0, "carbon_price": {2027: 50.0},
        "water_limit": {2028: 5e5}}},
    "clean power": lambda r: {"energy__merge": {"clean_share": {2027: float(r.uniform(0, 0.9))},
                                                "clean_power": {"premium": 0.02}}},
    "stability": lambda r: {"stability": {
        "site_change": float(r.uniform(8, 30)), "move_share": float(r.uniform(0, 0.5)), "move_cost": 5.0,
        "class_change": 20000.0}},
    "training": lambda r: {"training": {"big": {
        "accelerators": {"h200-sxm": 1500}, "begins": 2028, "months": 6, "cost": 1e7,
        "held": str(r.choice(["whole years", "months"])), "recover_over": 1}}},
    "progress": lambda r: {"progress": float(r.uniform(1.05, 1.5))},
    "sovereignty": lambda r: {"sovereignty": [{"regions": ["eu"], "countries": ["FIN"]}]},
    "demand curve": _worth,
    "spares of a class": lambda r: {"spare": float(r.uniform(0.05, 0.3))},
    "loss of any site": lambda r: {"resilience": {"any_site": True, "keep": float(r.uniform(0.2, 1))}},
    "loss of a group": lambda r: {"resilience": {
        "groups": {"texas": ["abilene"]}, "keep": 0.5, "classes": {"chat": 0.3}}},
    "batch": _batch,
    "working hours": _office,
    "small variant": _small,
    "joint supply": lambda r: {"supply__merge": {
        "accelerators": {2027: float(r.uniform(3000, 9000))}, "hbm": {2027: float(r.uniform(3e5, 2e6))},
        "vendors": {"NVIDIA": {2027: float(r.uniform(2000, 9000))}}, "power": {2027: float(r.uniform(20, 90))}}},
    "opex budget": lambda r: {"money__merge": {"opex_budget": {2027: float(r.uniform(5e6, 3e8))}}},
    "debt and margin": lambda r: {"money__merge": {
        "debt_share": float(r.uniform(0, 1)), "margin": 0.2, "general_inflation": 0.03}},
    "power prices by year": lambda r: {"abilene": {"power_prices": {2027: 0.05, 2029: float(r.uniform(0.01, 0.3))}}},
    "idle power": lambda r: {"energy__merge": {"idle_power": float(r.uniform(0.1, 0.5))}},
    "land": lambda r: {"phases__merge": {"site_limit": float(r.uniform(13, 40))}},
    "slow grid": lambda r: {"hamina": {"lead_time": "10 months", "grid_ramp": float(r.uniform(13, 30))}},
    "life of a chip": lambda r: {"h200": {"life": int(r.integers(1, 4))}},
    "least cost": lambda r: {"goal": {"kind": "least_cost", "shortage_price": float(r.uniform(0.005, 0.1))}},
    "least carbon": lambda r: {"goal": {"kind": "least_carbon"}},
    "most instances": lambda r: {"goal": {"kind": "most_instances"}, "money__merge": {
        "capex_budget": {2027: float(r.uniform(2e8, 6e8))}}},
    "goals in sequence": lambda r: {"goal": {"sequence": [
        {"goal": "worst_shortage", "give_up": 0.05}, {"goal": "shortage"}, {"goal": "carbon", "give_up": 0.1},
        {"goal": "cost"}]}},
    "links of free routing": lambda r: {"links": {
        "routing": "free", "user_routes": int(r.integers(0, 3)), "survive": str(r.choice(["nothing", "any link"])),
        "mirror_in_use": bool(r.random() < 0.5)}},
    "links of fixed ways": lambda r: {"links": {"mirror_in_use": bool(r.random() < 0.5)}},
}
OWN = {f"{key}__merge" for key in ("classes", "variants", "demand", "accelerators", "money")}
MAY_FAIL = {"contract", "training"}
"""What must be taken or must run, and may find no room."""
GOALS = ("demand curve", "least cost", "least carbon", "most instances", "goals in sequence")
NOT_BOTH = (*combinations(GOALS, 2), ("loss of any site", "links of fixed ways"),
            ("loss of a group", "links of fixed ways"), ("links of free routing", "links of fixed ways"),
            ("loss of any site", "loss of a group"), ("owned site given up", "old stock"))
"""Of each pair the second is left out, where the two speak of the same key or do not go together."""


def random_scenario(seed, features):
    """The scenario of a seed with the named features; sound by the scenario room's own checks."""
    draw = np.random.default_rng(seed)
    left_out = {second for first, second in NOT_BOTH if {first, second} <= set(features)}
    changes = {"years": {"first": 2027, "last": 2028 + int(draw.integers(0, 2))}, "links": {"include": False}}
    site, chip = {"abilene": {}, "hamina": {}}, {"price": 30000.0}
    paths, equivalence = {"chat": _path(draw)}, {"chat": 1.0}
    for name in (name for name in FEATURES if name in features and name not in left_out):
        for key, value in FEATURES[name](draw).items():
            if key in site:
                site[key] |= value
            elif key == "h200":
                chip |= value
            elif key == "demand.classes":
                paths |= value
            elif key == "equivalence":
                equivalence |= value
            elif key.endswith("__merge"):
                changes[key] = {**changes.get(key, {}), **value}
            else:
                changes[key] = value
    service = CHAT | ({"spare_share": changes.pop("spare")} if "spare" in changes else {})
    main = {"model": "gpt-oss-120b", "weights": "fp4", "equivalence": equivalence,
            "progress": changes.pop("progress", 1.0)}
    asked = scenario(
        **{key: value for key, value in changes.items() if key not in OWN},
        classes={"chat": service, **changes.get("classes__merge", {})},
        variants={"v": main, **changes.get("variants__merge", {})}, sites={k: v or None for k, v in site.items()},
        demand={"classes": paths, "split": {"usa": 0.7, "eu": 0.3}, **changes.get("demand__merge", {})},
        accelerators={"h200-sxm": chip, **changes.get("accelerators__merge", {})},
        money={**FLAT, **changes.get("money__merge", {})})
    wrong = disagreements(asked)
    assert not wrong, wrong
    return asked
