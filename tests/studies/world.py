"""A scenario that solves in a second: one year, one site of round numbers, one chip."""

from pathlib import Path

from tests.support.scenarios import ACCELERATORS, SITES

TEXT = """\
name: tiny
years: {first: 2027, last: 2028}
goal: {kind: least_cost, shortage_price: $50/hour}
classes:
  chat: {output_tokens: 30k, fresh_input_tokens: 10k, context_mean: 8k, ttft: 2 s, tpot: 50 ms}
variants:
  v: {model: gpt-oss-120b, weights: fp4, equivalence: {chat: 1.0}}
demand: {classes: {chat: {start: 1 million, end: 2 million}}, split: {usa: 75 %, eu: 25 %}}
regions: [usa, eu]
sites: {abilene: , hamina: }
accelerators: {h200-sxm: {price: $30000}}
pods: {size: 1000, spare_share: 10 %}
phases: {size: 12.5 MW, orders_from: 2026}
links: {include: false}
money: {discount_rate: 25 %, price_year: 2027, it_life: 2, shell_life: 2, capex_budget: {2027: $900 million}}
serving: {plans_per_cell: 1}
catalogue: [tables]
"""


def write_world(folder: Path, text: str = TEXT) -> str:
    """The scenario's file, its tables beside it."""
    tables = folder / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    (tables / "sites.csv").write_text(SITES, encoding="utf-8")
    (tables / "accelerators.csv").write_text(ACCELERATORS, encoding="utf-8")
    path = folder / "tiny.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)
