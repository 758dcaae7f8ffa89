"""Small scenarios in Python, and a catalogue overlay whose sites have round numbers."""

from copy import deepcopy
from pathlib import Path

from capacity.catalogue import Catalogue, load_catalogue
from capacity.scenario.schema import Scenario

SITES = """\
id,power_usd_kwh,carbon_g_kwh,build_musd_per_mw,opening_musd,lead_months,pue,pue_peak,grid_limit_mw,grid_ramp_mw,earliest
abilene,0.05,400,10,100,12,1.2,1.25,100,50,2020
hamina,0.04,50,8,50,24,1.1,1.25,200,25,2020
singapore,0.2,500,20,300,12,1.25,1.25,50,50,2020
"""
ACCELERATORS = "id,it_power_w\nh200-sxm,2000\nh100-sxm,1500\n"
FLAT = {
    "discount_rate": 0.25, "price_year": 2027, "it_life": 2, "shell_life": 2, "upkeep_share": 0.03,
    "shell_upkeep_share": 0.02, "build_cost_growth": 1.0, "power_price_growth": 1.0, "general_inflation": 0.0,
}
"""Money without price growth; at 25 % and two years of life an annuity is 5/9: 5/9 + 0.8 x 5/9 = 1."""
BASE = {
    "name": "round", "years": {"first": 2027, "last": 2028},
    "classes": {"chat": {
        "output_tokens": "30k", "fresh_input_tokens": "10k", "context_mean": "8k", "ttft": "2 s", "tpot": "50 ms",
    }},
    "variants": {"v": {"model": "gpt-oss-120b", "weights": "fp4", "equivalence": {"chat": 1.0}}},
    "demand": {"classes": {"chat": {"start": "1 million", "end": "2 million"}}, "split": {"usa": 0.75, "eu": 0.25}},
    "regions": ["usa", "eu"], "sites": {"abilene": None, "hamina": None},
    "accelerators": {"h200-sxm": {"price": 30000.0}},
    "pods": {"size": 1000, "spare_share": 0.1}, "phases": {"size": "12.5 MW", "orders_from": 2026},
    "money": FLAT, "serving": {"plans_per_cell": 1},
}


def scenario(**changes) -> Scenario:
    """BASE with top-level keys replaced; a key holding a mapping is merged one level deep with `key__merge`."""
    data = deepcopy(BASE)
    for key, value in changes.items():
        name, _, merge = key.partition("__")
        data[name] = {**data.get(name, {}), **value} if merge == "merge" else value
    return Scenario.model_validate(data)


def round_catalogue(folder: Path, **tables: str) -> Catalogue:
    """Ours with SITES, ACCELERATORS and any other tables laid over it."""
    for name, text in {"sites": SITES, "accelerators": ACCELERATORS, **tables}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return load_catalogue([folder])
