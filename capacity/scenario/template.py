"""A first scenario of one's own: ten lines that solve."""

from __future__ import annotations

import re
from pathlib import Path

from capacity.errors import InputError

TEMPLATE = """\
# {name}: a first scenario. Change a line, then run: capacity solve {file}
# Quantities may carry units (20 MW, $2 billion, 32k tokens, 50 ms, 7 %); names come from `capacity catalogue`.
name: {name}
years: {{first: 2027, last: 2030}}
classes: {{assistant: {{output_tokens: 30k, fresh_input_tokens: 10k, context_mean: 32k, ttft: 2 s, tpot: 50 ms}}}}
variants: {{open-model: {{model: gpt-oss-120b, weights: fp4, equivalence: {{assistant: 1.0}}}}}}
demand: {{classes: {{assistant: {{start: 1 million, growth: 2x}}}}, split: gdp}}
regions: [usa, eu]
sites: [{sites}]
accelerators: [gb300-nvl72, vr200-nvl72]
phases: {{size: 10 MW, orders_from: 2025}}
money: {{capex_budget: {{2027: $2 billion}}, discount_rate: 9 %}}

# More to say, each line free to leave out or to start with `extends: human-equivalents` instead of the ten above:
# goal: {{kind: least_cost, shortage_price: $40/hour}}
# supply: {{power: catalogue, accelerators: {{2027: 20 thousand, 2030: 60 thousand}}}}
# rentals: [{{accelerator: h100-sxm, site: {first}, price: $2.20/hour, max_count: 4096}}]
"""
SITES = ("abilene", "hamina")


def write_template(path: Path) -> Path:
    """Write a commented scenario of ten lines that solves; returns the path, `.yaml` added where a suffix is missing.

    Raises InputError when the file exists already or cannot be written.
    """
    path = path if path.suffix else path.with_suffix(".yaml")
    name = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-") or "my-plan"
    text = TEMPLATE.format(name=name, file=path, sites=", ".join(SITES), first=SITES[0])
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise InputError(f"{path}: exists already; give another name, or remove it first") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    return path
