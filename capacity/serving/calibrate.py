"""The fit: a few efficiencies and overheads from measured systems, by robust least squares in log space.

Every fitted parameter is log-normal: a common value, and a deviation for each generation, engine, fabric or
(generation, precision) that the rows show, drawn towards nought by a prior (`calibration_priors.csv`). Minimised is

    sum rho((log predicted - log measured) w / s)
        +  sum ((log common - log prior) / spread)^2  +  sum (deviation / between)^2

with rho the soft L1 loss and w evening out cells of many rows. Collectives are fitted first, alone, and then frozen.
What has no measurement keeps the common value, with the spread between levels in its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares

from capacity.catalogue import Catalogue
from capacity.errors import InputError
from capacity.serving.architecture import Array
from capacity.serving.calibration import ANY, Calibration
from capacity.serving.predict import Case, cases, predict_case, predict_collectives

Key = tuple[str, ...]
"""(parameter, generation, precision, engine, fabric), a row of `calibration.csv`."""

LINKS = ("link_alpha_s", "link_efficiency", "link_bulk", "link_doubling", "cluster_ports", "cluster_latency")
USUAL, USUAL_TTFT = 0.12, 0.4
"""Sizes of a residual that count as usual; the first token carries the measuring client's delay."""
CURRENT = ("vllm", "sglang", "trtllm")
"""Engines whose common value stands for an engine that is not known, as in plans."""
APART = 5.0
"""How much more freely other (earlier, research) engines deviate, so that they hardly move the common value."""
COLLECTIVE_STEP, SERVING_STEP = 1e-4, 1e-4
ROUNDS = 40


@dataclass(frozen=True)
class Knobs:
    """The free parameters of one fit, in log space: a common value or a deviation each."""

    keys: list[Key]
    """The row of the calibration that an entry stands for; a deviation's row adds to its common one."""
    common: NDArray[np.intp]
    """Entry of the common value; of a common value itself, its own."""
    start: Array
    spread: Array
    low: Array
    high: Array
    """Bounds of the whole value, in logs."""

    def values(self, at: Array) -> dict[Key, float]:
        """Value of each row at a point."""
        own = np.arange(len(self.keys))
        logs = np.where(self.common == own, at, at[self.common] + at)
        return dict(zip(self.keys, np.exp(np.clip(logs, self.low, self.high)).tolist(), strict=True))


def knobs(priors: pd.DataFrame, names: list[str], levels: Mapping[str, list[tuple[str, str]]]) -> Knobs:
    """Knobs of the named parameters; `levels`: for each `by` its (generation, engine or fabric; precision)."""
    keys: list[Key] = []
    numbers: list[tuple[float, ...]] = []
    row: Any
    for row in priors[priors["parameter"].isin(names)].itertuples():
        first = len(keys)
        bounds = (float(np.log(row.floor)), float(np.log(row.ceiling)))
        keys.append((str(row.parameter), ANY, ANY, ANY, ANY))
        numbers.append((first, float(np.log(row.value)), float(row.spread), *bounds))
        for level, precision in levels.get(str(row.by), []):
            where = {"generation": (level, ANY, ANY, ANY), "generation+precision": (level, precision, ANY, ANY),
                     "engine": (ANY, ANY, level, ANY), "fabric": (ANY, ANY, ANY, level)}[str(row.by)]
            keys.append((str(row.parameter), *where))
            free = APART if str(row.by) == "engine" and level not in CURRENT else 1.0
            numbers.append((first, 0.0, float(row.between) * free, *bounds))
    table = np.array(numbers)
    return Knobs(keys, table[:, 0].astype(np.intp), *(table[:, i] for i in range(1, 5)))


@dataclass
class Evidence:
    """Rows to learn from, as cases, with the weight of each."""

    rows: pd.DataFrame
    cases: list[Case]
    weight: Array
    """By position in `rows`."""
    place: dict[int, int]

    @cached_property
    def logs(self) -> Array:
        """Logarithms of the measured values."""
        return np.asarray(np.log(self.rows["value"].to_numpy(dtype=float)))

    @cached_property
    def spots(self) -> list[NDArray[np.intp]]:
        """Positions in `rows` of the entries of each case."""
        return [np.array([self.place[int(i)] for i in case.index], dtype=np.intp) for case in self.cases]

    def residual(self, number: int, calibration: Calibration) -> Array:
        """Weighted log errors of one case; 0 where it does not fit in memory or is saturated."""
        value, saturated = predict_case(self.cases[number], calibration)
        spots = self.spots[number]
        known = np.isfinite(value) & ~saturated & (value > 0)
        error = np.log(np.where(known, value, 1.0)) - self.logs[spots]
        return np.where(known, error, 0.0) * self.weight[spots]


def evidence(rows: pd.DataFrame, catalogue: Catalogue) -> Evidence:
    """Predictable rows; each weighs by its metric, and by the root of how many of its own kind there are."""
    kept = rows[(rows["reason"] == "") & (rows["load"] != "collective") & ~rows["queued"]]
    kind = kept.groupby(["file", "model", "accelerator", "weights", "engine", "metric"])["value"].transform("size")
    scale = np.where((kept["metric"] == "ttft_ms") & kept["load"].isin(("closed", "open")), USUAL_TTFT, USUAL)
    weight = (kind.to_numpy(dtype=float) ** -0.25) / scale
    return Evidence(kept, cases(kept, catalogue), weight, {int(i): n for n, i in enumerate(kept.index)})


@dataclass(frozen=True)
class Fitted:
    """The point of a fit and how sure it is."""

    knobs: Knobs
    solution: Array
    covariance: Array
    """Of the entries, from the curvature."""
    calibration: Calibration

    @property
    def point(self) -> dict[Key, float]:
        """Entries by key, a start for another fit."""
        return dict(zip(self.knobs.keys, self.solution.tolist(), strict=True))


def fit(known: Evidence, priors: pd.DataFrame, fixed: Mapping[Key, float], start: Mapping[Key, float] | None = None,
        rounds: int = ROUNDS) -> Fitted:
    """Fit all parameters with a spread but those of links. `start`: entries of an earlier fit's point, by key."""
    chosen = _knobs_of(known, priors)
    at = np.array([(start or {}).get(key, value) for key, value in zip(chosen.keys, chosen.start, strict=True)])

    def calibration(point: Array) -> Calibration:
        return Calibration.of({**fixed, **chosen.values(point)})

    def residuals(point: Array) -> Array:
        table = calibration(point)
        return np.concatenate([known.residual(i, table) for i in range(len(known.cases))])

    users = [users_of(known.cases, key) for key in chosen.keys]
    sizes = np.cumsum([0, *(len(spots) for spots in known.spots)])

    def jacobian(point: Array) -> Array:
        here = residuals(point)
        slopes = np.zeros((int(sizes[-1]), len(point)))
        for column, use in enumerate(users):
            moved = point.copy()
            moved[column] += SERVING_STEP
            other = calibration(moved)
            for i in use:
                own = slice(sizes[i], sizes[i + 1])
                slopes[own, column] = (known.residual(i, other) - here[own]) / SERVING_STEP
        return slopes

    at, covariance = _descend(residuals, jacobian, at, chosen, rounds)
    return Fitted(chosen, at, covariance, calibration(at))


def _descend(residuals: Callable[[Array], Array], jacobian: Callable[[Array], Array], at: Array, chosen: Knobs,
             rounds: int) -> tuple[Array, Array]:
    """Least squares with a soft L1 loss on data and plain squares on priors: (point, covariance there)."""
    centre, spread = chosen.start, chosen.spread

    def robust(point: Array) -> Array:
        raw = residuals(point)
        return np.concatenate([np.sign(raw) * np.sqrt(2.0 * (np.sqrt(1.0 + raw**2) - 1.0)), (point - centre) / spread])

    def slopes(point: Array) -> Array:
        raw = residuals(point)
        soft = np.sqrt(2.0 * (np.sqrt(1.0 + raw**2) - 1.0))
        gain = np.where(soft > 1e-9, np.abs(raw) / np.sqrt(1.0 + raw**2) / np.maximum(soft, 1e-9), 1.0)
        return np.concatenate([jacobian(point) * gain[:, None], np.diag(1.0 / spread)])

    own = chosen.common == np.arange(len(at))
    low = np.where(own, chosen.low, -np.inf)
    high = np.where(own, chosen.high, np.inf)
    found = least_squares(robust, np.clip(at, low + 1e-9, high - 1e-9), jac=slopes, bounds=(low, high),
                          max_nfev=rounds, x_scale=spread, xtol=1e-4, ftol=1e-5)
    slope = np.asarray(found.jac, dtype=np.float64)
    return np.asarray(found.x, dtype=np.float64), np.asarray(np.linalg.inv(slope.T @ slope), dtype=np.float64)


def users_of(all_cases: list[Case], key: Key) -> list[int]:
    """Cases that a row of the calibration may change."""
    _, generation, precision, engine, fabric = key
    return [i for i, case in enumerate(all_cases)
            if generation in (ANY, case.chip.generation) and precision in (ANY, case.weights)
            and engine in (ANY, case.engine) and fabric in (ANY, case.chip.scale_up_fabric)]


def _knobs_of(known: Evidence, priors: pd.DataFrame) -> Knobs:
    free = [str(n) for n in priors.loc[priors["spread"] > 0, "parameter"] if n not in LINKS]
    seen = known.cases
    levels = {
        "generation": sorted({(case.chip.generation, ANY) for case in seen}),
        "generation+precision": sorted({(case.chip.generation, case.weights) for case in seen}),
        "engine": sorted({(case.engine, ANY) for case in seen if case.engine != ANY}),
    }
    return knobs(priors, free, levels)


def fixed_values(priors: pd.DataFrame) -> dict[Key, float]:
    """Rows of every parameter at its prior value; what is fitted comes over them."""
    return {(str(n), ANY, ANY, ANY, ANY): float(v)
            for n, v in zip(priors["parameter"], priors["value"], strict=True)}


def fit_links(rows: pd.DataFrame, catalogue: Catalogue, priors: pd.DataFrame) -> tuple[dict[Key, float], Fitted | None]:
    """(rows of latency and efficiency by scale-up fabric, the fit), from collectives alone; no rows without them."""
    asked = rows[(rows["reason"] == "") & (rows["load"] == "collective")]
    if asked.empty:
        return {}, None
    chips = catalogue.accelerators()
    fabric = asked["accelerator"].map({name: chip.scale_up_fabric for name, chip in chips.items()})
    chosen = knobs(priors, list(LINKS), {"fabric": [(name, ANY) for name in sorted(fabric.unique())]})
    alike = asked.groupby(["file", "accelerator", "tp"])["value"].transform("size").to_numpy(dtype=float)
    weight = alike**-0.25 / USUAL
    logs, base = np.log(asked["value"].to_numpy(dtype=float)), fixed_values(priors)

    def residuals(point: Array) -> Array:
        value = predict_collectives(asked, catalogue, Calibration.of({**base, **chosen.values(point)}))
        return np.asarray((np.log(value.to_numpy(dtype=float)) - logs) * weight, dtype=np.float64)

    def jacobian(point: Array) -> Array:
        here = residuals(point)
        eye = np.eye(len(point)) * COLLECTIVE_STEP
        return np.stack([(residuals(point + step) - here) / COLLECTIVE_STEP for step in eye], axis=1)

    at, covariance = _descend(residuals, jacobian, chosen.start.copy(), chosen, ROUNDS)
    values = chosen.values(at)
    return values, Fitted(chosen, at, covariance, Calibration.of({**base, **values}))


def priors_of(catalogue: Catalogue) -> pd.DataFrame:
    """The table of priors; InputError when it names a parameter the model does not have."""
    from capacity.serving.calibration import PARAMETERS

    table = catalogue.table("calibration_priors")
    unlike = set(table["parameter"]) ^ set(PARAMETERS)
    if unlike:
        raise InputError(f"calibration_priors.csv: {', '.join(sorted(unlike))}: each parameter of the serving model "
                         "needs one row, and no other has one")
    return table
