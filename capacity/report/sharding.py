"""How model copies are sharded: one table for each class and variant."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from capacity.plan.model import Plan
from capacity.plan.numbers import count, whole
from capacity.report.marks import table, tag

HEADERS = [
    "on", "years", "limited by", "TP · PP · EP · DP", "accelerators<br><small>per copy</small>",
    "sequences<br><small>in flight, per copy</small>", "memory<br><small>GB each</small>",
    "TTFT + network<br><small>ms, of limit</small>", "TPOT<br><small>ms, of limit</small>",
    "accelerators<br><small>used, at most</small>", "sites", "SLO",
]


def sharding_section(plan: Plan) -> str:
    """How copies are sharded, and whether they meet their limits."""
    used = plan.tables["sharding"]
    if not len(used):
        return tag("p", "No serving configuration is in use.")
    body = ""
    for (name, variant), part in used.groupby(["service_class", "variant"]):
        first = part.iloc[0]
        kinds = f"weights {escape(first['weights'])}, KV {escape(first['kv'])}"
        about = f" <small>{kinds}</small>" if first["weights"] else ""
        body += tag("h3", f"{escape(str(name))} on {escape(str(variant))}{about}") + _table(part)
    return body


def _table(part: pd.DataFrame) -> str:
    key = ["accelerator", "tp", "pp", "ep", "dp"]
    fleet = part.groupby([*key, "year"], as_index=False, dropna=False)[["accelerators_used"]].sum()
    most = fleet.groupby(key, as_index=False, dropna=False).agg(most=("accelerators_used", "max"))
    rows = part.groupby(key, as_index=False, dropna=False).agg(
        first=("year", "min"), last=("year", "max"), sites=("site", "nunique"), copy=("copy_accelerators", "max"),
        batch=("batch", "max"), memory=("memory_gb", "max"), ttft=("ttft_ms", "max"), network=("network_ms", "max"),
        ttft_limit=("ttft_limit_ms", "max"), tpot=("tpot_ms", "max"), tpot_limit=("tpot_limit_ms", "max"),
        ok=("meets_slo", "all"), why=("limited_by", "first"),
    ).assign(most=most["most"]).sort_values(["first", "last", "accelerator"])
    return table(HEADERS, [_row({str(k): v for k, v in r.items()}) for r in rows.to_dict("records")], 3, "dense")


def _row(r: dict[str, object]) -> list[str]:
    def number(name: str) -> float:
        return float(str(r[name]))

    def of(limit: float) -> str:
        return "" if not np.isfinite(limit) else f" <small>/ {whole(limit)}</small>"

    years = f"{r['first']}" if r["first"] == r["last"] else f"{r['first']}–{r['last']}"
    tpot = "–" if np.isnan(number("tpot")) else f"{number('tpot'):.1f}"
    return [
        tag("span", escape(str(r["accelerator"])), class_="keep"), tag("span", years, class_="keep"),
        tag("span", escape(str(r["why"]).replace("_", " ")), class_="keep"),
        " · ".join(count(number(k)) for k in ("tp", "pp", "ep", "dp")), count(number("copy")), count(number("batch")),
        whole(number("memory")), f"{whole(number('ttft'))} + {whole(number('network'))}{of(number('ttft_limit'))}",
        tpot + of(number("tpot_limit")), count(number("most")), str(r["sites"]),
        tag("span", "met" if r["ok"] else "missed", class_="good" if r["ok"] else "bad"),
    ]
