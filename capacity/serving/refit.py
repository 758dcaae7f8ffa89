"""From measurements to `calibration.csv`: links, then the fit, then how it does on what it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from capacity.catalogue import Catalogue
from capacity.errors import InputError
from capacity.serving.calibrate import LINKS, Fitted, Key, fit, fit_links, fixed_values, priors_of
from capacity.serving.calibrate import evidence as evidence_of
from capacity.serving.calibration import ANY, KEYS
from capacity.serving.leaveout import SPLITS, Z80, LeftOut, group_of, half_widths, leave_out, once
from capacity.serving.validate import PERCENT, predict

COLUMNS = ("parameter", *KEYS, "value", "low", "high", "unit", "rows", "error", "error_model_out",
           "error_accelerator_out", "source", "as_of", "confidence")
UNMOVED, STILL = 0.99, 1e-3
"""A deviation that stays within STILL of nought, with a variance above this share of its prior's, was not measured."""
SCORES = ("group", "metric", "split", "rows", "mape", "median_ape", "bias", "within_80")


@dataclass(frozen=True)
class Refit:
    """A calibration as a table, and the errors behind it."""

    table: pd.DataFrame
    errors: pd.DataFrame
    """SCORES: dense, moe or what is left out; metric; split (none: in sample); errors, share in the 80 % interval."""


def refit(rows: pd.DataFrame, catalogue: Catalogue, tell: Callable[[str], None], *, left_out: bool = True) -> Refit:
    """Fit all parameters to rows of `read_measurements`; the same rows give the same table.

    What stands twice, under the names of two models of one architecture, counts once.
    Without `left_out` the columns of errors on unseen models and accelerators stay empty and it takes seconds instead
    of minutes. Raises InputError when no row can be used.
    """
    priors = priors_of(catalogue)
    if not (rows["reason"] == "").any():
        raise InputError("calibrate: no row of the measurements can be predicted: "
                         + "; ".join(sorted(rows["reason"].unique())[:3]))
    rows = once(rows, catalogue)
    tell("links")
    links, linked = fit_links(rows, catalogue, priors)
    fixed: dict[Key, float] = {**fixed_values(priors), **links}
    tell("all rows")
    full = fit(evidence_of(rows, catalogue), priors, fixed)
    seen = predict(rows, catalogue, full.calibration)
    known: dict[bytes, Fitted] = {}
    splits = [leave_out(rows, catalogue, priors, fixed, split, tell, known)
              for split in ((*SPLITS, "configuration") if left_out else ())]
    table = _table(seen, catalogue, priors, [f for f in (linked, full) if f is not None], {s.split: s for s in splits})
    return Refit(table, errors_of(seen, catalogue, splits))


def _table(seen: pd.DataFrame, catalogue: Catalogue, priors: pd.DataFrame, fits: list[Fitted],
           splits: dict[str, LeftOut]) -> pd.DataFrame:
    chips = catalogue.accelerators()
    fabric = seen["accelerator"].map({name: chip.scale_up_fabric for name, chip in chips.items()}).fillna("")
    files = ", ".join(sorted(seen.loc[seen["predicted"].notna(), "file"].unique()))
    known = {(str(row["parameter"]), str(row["engine"])): row for row in priors.to_dict("records")}
    made, fitted_names = [], set()
    for fitted in fits:
        values = fitted.knobs.values(fitted.solution)
        for i, key in enumerate(fitted.knobs.keys):
            if not _learnt(fitted, i):
                continue
            prior = known.get((key[0], key[3]), known[key[0], ANY])
            low, high = _interval(fitted, i, prior, values[key])
            used = _used(seen, fabric, key)
            made.append((*key, values[key], low, high, prior["unit"], int(used.sum()),
                         *(_error(seen["predicted"], seen, used), *(_error(splits[s].predicted, seen, used)
                           if s in splits else np.nan for s in ("model", "accelerator"))),
                         f"fitted by `capacity serving calibrate` to {files}; prior: {prior['source']}",
                         prior["as_of"], "derived"))
            fitted_names.add((key[0], key[3]))
    for (name, engine), prior in known.items():
        if (name, engine) not in fitted_names:
            made.append((name, ANY, ANY, engine, ANY, prior["value"], min(prior["floor"], prior["value"]),
                         max(prior["ceiling"], prior["value"]), prior["unit"], 0, np.nan, np.nan, np.nan,
                         f"prior: {prior['source']}", prior["as_of"], prior["confidence"]))
    return pd.DataFrame(made, columns=list(COLUMNS))


def _learnt(fitted: Fitted, i: int) -> bool:
    """False for a deviation of which the rows say nothing: it is left to the common value."""
    alone, moved = int(fitted.knobs.common[i]) == i, abs(float(fitted.solution[i])) > STILL
    return alone or moved or bool(fitted.covariance[i, i] < UNMOVED * fitted.knobs.spread[i] ** 2)


def _interval(fitted: Fitted, i: int, prior: Mapping[Any, Any], value: float) -> tuple[float, float]:
    """80 % interval of a row's value: of a common one, also of a level that has not been measured."""
    c, common = fitted.covariance, int(fitted.knobs.common[i])
    variance = c[i, i] + (float(prior["between"]) ** 2 if common == i else c[common, common] + 2.0 * c[i, common])
    width = Z80 * float(np.sqrt(max(variance, 0.0)))
    low, high = value * np.exp(-width), value * np.exp(width)
    return min(max(low, float(prior["floor"])), value), max(min(high, float(prior["ceiling"])), value)


def _used(seen: pd.DataFrame, fabric: pd.Series, key: Key) -> pd.Series:
    """Rows whose prediction a row of the calibration speaks for."""
    name, generation, precision, engine, link = key
    links = name in LINKS
    rows = seen["predicted"].notna() & ((seen["load"] == "collective") == links)
    for column, wanted in ((seen["generation"], generation), (seen["weights"], precision), (seen["engine"], engine),
                           (fabric, link)):
        if wanted != ANY:
            rows &= column == wanted
    return rows


def _error(predicted: pd.Series, seen: pd.DataFrame, used: pd.Series) -> float:
    """Mean absolute percentage error over rows that are not saturated; NaN without any."""
    chosen = used & ~seen["saturated"] & predicted.notna()
    return float((predicted[chosen] / seen.loc[chosen, "value"] - 1.0).abs().mean() * PERCENT)


def errors_of(seen: pd.DataFrame, catalogue: Catalogue, splits: list[LeftOut]) -> pd.DataFrame:
    """SCORES by kind of model, metric and split; then by each group left out; collectives by themselves."""
    kinds = {name: card.kind for name, card in catalogue.models().items()}
    kind = seen["model"].map(kinds).fillna("links").where(seen["load"] != "offload", "offload")
    seen = seen.assign(metric=_asked(seen))
    widths = half_widths(splits, seen, kind)
    made = _scores("none", seen["predicted"], pd.Series(np.nan, index=seen.index), seen, kind)
    for left in splits:
        made += _scores(left.split, left.predicted, widths[left.split], seen, kind)
    for left in splits:
        if left.split in SPLITS:
            groups = group_of(seen, catalogue, left.split)
            made += _scores(left.split, left.predicted, widths[left.split], seen, groups)
    return pd.DataFrame(made, columns=list(SCORES))


def _asked(seen: pd.DataFrame) -> pd.Series:
    """The metric; a first token also says whether its prompt met others."""
    return seen["metric"].where(seen["metric"] != "ttft_ms", "ttft_ms, " + seen["beside"])


def _scores(split: str, value: pd.Series, width: pd.Series, seen: pd.DataFrame,
            group: pd.Series) -> list[tuple[object, ...]]:
    made: list[tuple[object, ...]] = []
    free = value.notna() & ~seen["saturated"]
    for (name, metric), rows in seen[free].groupby([group, "metric"]):
        ratio = (value[rows.index] / rows["value"]).to_numpy(dtype=float)
        limit = width[rows.index].to_numpy(dtype=float)
        inside = np.nan if np.isnan(limit).all() else float((np.abs(np.log(ratio)) <= limit).mean() * PERCENT)
        ape = np.abs(ratio - 1.0) * PERCENT
        bias = (ratio.mean() - 1.0) * PERCENT
        made.append((name, metric, split, len(rows), ape.mean(), np.median(ape), bias, inside))
    return made
