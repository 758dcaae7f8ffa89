"""Predicted against measured: every row's prediction, and errors by file, metric and load."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from capacity.catalogue import Catalogue
from capacity.errors import InputError, nearest
from capacity.serving.calibration import Calibration
from capacity.serving.predict import cases, predict_case, predict_collectives

PERCENT = 100.0
UNFIT = "the weights do not fit in memory"
SCORE_COLUMNS = ("rows", "predicted", "saturated", "mape", "median_ape", "bias", "mape_saturated")


def predict(rows: pd.DataFrame, catalogue: Catalogue, calibration: Calibration) -> pd.DataFrame:
    """The rows of `read_measurements` with columns predicted (the metric's unit, NaN where skipped), saturated, error.

    error: predicted / value - 1. A row that turns out impossible gets its reason.
    """
    value, full = pd.Series(np.nan, index=rows.index), pd.Series(False, index=rows.index)
    for case in cases(rows, catalogue):
        predicted, saturated = predict_case(case, calibration)
        where = case.index.astype(int)
        value[where], full[where] = predicted, saturated
    links = predict_collectives(rows, catalogue, calibration)
    value[links.index] = links
    known = np.isfinite(value.to_numpy(dtype=float))
    reason = rows["reason"].where(known | (rows["reason"] != ""), UNFIT)
    return rows.assign(predicted=value, saturated=(full | rows["queued"]) & known,
                       error=value / rows["value"] - 1.0, reason=reason)


def scores(predicted: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Errors in per cent by file and metric (as the file writes it), and by further columns; SCORE_COLUMNS.

    mape, median_ape and bias leave saturated rows out, which stand in mape_saturated. bias: mean of the signed error.
    Raises InputError for a column that the rows do not have.
    """
    for name in by:
        if name not in _BY:
            near = nearest(name, list(_BY))
            hint = f"; nearest: `{near}`" if near else ""
            raise InputError(f"--by: `{name}` is not one of {', '.join(_BY)}{hint}")
    keys = ["file", "metric_given", *(_BY[name] for name in by)]
    tables = [_score(key, group) for key, group in predicted.groupby(keys, dropna=False, sort=True)]
    names = ["file", "metric", *by]
    return pd.DataFrame(tables, columns=[*names, *SCORE_COLUMNS])


_BY = {"model": "model", "gpu": "accelerator", "accelerator": "accelerator", "generation": "generation",
       "engine": "engine", "load": "load", "beside": "beside", "weights": "weights", "kv": "kv", "tp": "tp",
       "batch": "batch"}  # fmt: skip
"""What `--by` may split by -> column."""


def _score(key: tuple[object, ...], group: pd.DataFrame) -> tuple[object, ...]:
    known = group["predicted"].notna()
    free, full = group[known & ~group["saturated"]], group[known & group["saturated"]]
    ape = free["error"].abs() * PERCENT
    return (*key, len(group), int(known.sum()), len(full), ape.mean(), ape.median(), free["error"].mean() * PERCENT,
            full["error"].abs().mean() * PERCENT)


def coverage(predicted: pd.DataFrame) -> tuple[int, int]:
    """(rows predicted, rows that could be): of those whose metric is one of ours and whose sharding is stated."""
    asked = predicted[(predicted["metric"] != "") & predicted["tp"].notna()]
    return int(asked["predicted"].notna().sum()), len(asked)


def skipped(predicted: pd.DataFrame) -> pd.DataFrame:
    """Why rows were not predicted: file, reason, rows, and one name as an example."""
    out = predicted[predicted["predicted"].isna()]
    example = np.where(out["reason"].str.contains("accelerator is"), out["gpu_given"],
                       np.where(out["reason"].str.contains("metric"), out["metric_given"], out["model_given"]))
    table = out.assign(example=example).groupby(["file", "reason"], as_index=False)
    return table.agg(rows=("row", "size"), example=("example", "first"))


def worst(predicted: pd.DataFrame, count: int = 5) -> pd.DataFrame:
    """The rows predicted worst by the ratio of the two values, saturated ones left out."""
    free = predicted[predicted["predicted"].notna() & ~predicted["saturated"]]
    off = pd.Series(np.abs(np.log((free["predicted"] / free["value"]).to_numpy(dtype=float))), index=free.index)
    order = off.sort_values(ascending=False, kind="stable").index[:count]
    columns = ["file", "row", "model", "accelerator", "value", "predicted", "metric_given", "engine", "tp", "batch"]
    return pd.DataFrame(free.loc[order, columns]).reset_index(drop=True)


def summary(table: pd.DataFrame) -> dict[str, dict[str, dict[str, float | int | None]]]:
    """Scores as {file: {metric: {rows, predicted, mape, median_ape, bias, ...}}}; None where nothing was predicted."""
    found: dict[str, dict[str, dict[str, float | int | None]]] = {}
    for row in table.to_dict("records"):
        numbers = {name: _plain(row[name]) for name in SCORE_COLUMNS}
        further = [str(row[n]) for n in table.columns if n not in ("file", "metric", *SCORE_COLUMNS)]
        found.setdefault(str(row["file"]), {})[" | ".join([str(row["metric"]), *further])] = numbers
    return found


def _plain(value: float) -> float | int | None:
    if isinstance(value, int | np.integer):
        return int(value)
    return round(float(value), 3) if np.isfinite(value) else None
