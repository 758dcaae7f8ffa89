"""How far to trust a calibration, as the tables of docs/serving.md: written by the fit, held by a test."""

from __future__ import annotations

import pandas as pd

from capacity.errors import InputError

BEGIN, END = "<!-- errors: written by `capacity serving calibrate --report` -->", "<!-- end of errors -->"
KINDS = ("dense", "moe", "offload", "links")
SPLITS_IN_ORDER = ("none", "configuration", "campaign", "table", "model", "accelerator", "generation")
FEWEST = 8
"""Rows that a group needs to be shown by itself."""
SINGLE = ("tpot_ms", "throughput_out", "total_latency_ms")
"""Metrics shown for each group left out."""
HEAD = ("| {} | metric | left out | rows | mean | median | bias | in 80 % interval |\n"
        "|---|---|---|---|---|---|---|---|\n")


def markdown(errors: pd.DataFrame) -> str:
    """The errors of a `Refit` as two tables: by kind of model, and by each group left out."""
    kinds = errors[errors["group"].isin(KINDS)]
    groups = errors[~errors["group"].isin(KINDS) & errors["metric"].isin(SINGLE) & (errors["rows"] >= FEWEST)]
    return (HEAD.format("rows of") + _lines(kinds) + "\nBy what was left out:\n\n" + HEAD.format("rows of")
            + _lines(groups))


def _lines(errors: pd.DataFrame) -> str:
    order = {name: place for place, name in enumerate(SPLITS_IN_ORDER)}
    ranked = errors.assign(place=errors["split"].map(order)).sort_values(["place", "group", "metric"], kind="stable")
    made = []
    for row in ranked.to_dict("records"):
        inside = "" if pd.isna(row["within_80"]) else f"{row['within_80']:.0f} %"
        made.append(f"| {row['group']} | {row['metric']} | {row['split']} | {row['rows']} | {row['mape']:.0f} % | "
                    f"{row['median_ape']:.0f} % | {row['bias']:+.0f} % | {inside} |\n")
    return "".join(made)


def with_errors(page: str, errors: pd.DataFrame, name: str) -> str:
    """A page with the tables between its marks replaced; InputError where it lacks the marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"--report: {name} lacks the lines `{BEGIN}` and `{END}`, between which the tables go")
    return f"{before}{BEGIN}\n\n{markdown(errors)}\n{END}{after}"
