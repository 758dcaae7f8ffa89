"""The fit: a few efficiencies and overheads from measured systems, by robust least squares in log space.

Every fitted parameter is log-normal: a common value, and a deviation for each generation, engine, fabric or
(generation, precision) that the rows show, drawn towards nought by a prior (`calibration_priors.csv`). Minimised is

    sum w^2 log(1 + ((log predicted - log measured) / s)^2)
        +  sum ((log common - log prior) / spread)^2  +  sum (deviation / between)^2

with w evening out cells of many rows. Builds of one engine differ by a third on the same system, and a few campaigns by
factors: the Cauchy loss lets those that disagree with all others count little. Collectives are fitted first, alone,
and then frozen. What has no measurement keeps the common value, with the spread between levels in its interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares
from threadpoolctl import threadpool_limits

from capacity.catalogue import Catalogue
from capacity.errors import InputError
from capacity.serving.architecture import Array, Bools
from capacity.serving.calibration import ANY, Calibration, standing_for
from capacity.serving.predict import Case, LinkCase, cases, link_cases, predict_case, predict_links

Key = tuple[str, ...]
"""(parameter, generation, precision, engine, fabric), a row of `calibration.csv`."""

LINKS = ("link_alpha_s", "link_efficiency", "link_bulk", "link_doubling", "cluster_ports", "cluster_latency")
USUAL, USUAL_TTFT = 0.12, 0.4
"""Sizes of a residual that count as usual; the first token carries the measuring client's delay."""
CURRENT = ("vllm", "sglang", "trtllm")
"""Engines whose common value stands for an engine that is not known, as in plans."""
APART = 10.0
"""How much more freely other (earlier, research) engines deviate, so that they hardly move the common value."""
FLAT = 1e-6
"""Errors below it lie on the straight part of the loss."""
SERVING_STEP = 1e-4
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
        return dict(zip(self.keys, np.exp(np.clip(self._logs(at), self.low, self.high)).tolist(), strict=True))

    def free(self, at: Array) -> Bools:
        """Entries whose value is not held by a bound."""
        logs = self._logs(at)
        return np.asarray((logs >= self.low) & (logs <= self.high))

    def _logs(self, at: Array) -> Array:
        return np.where(self.common == np.arange(len(self.keys)), at, at[self.common] + at)

    @cached_property
    def names(self) -> list[str]:
        """The parameters."""
        return list(dict.fromkeys(key[0] for key in self.keys))

    def columns(self, case: Case | LinkCase) -> list[int]:
        """The entry that holds for a case, by parameter: its deviation where there is one, else the common value."""
        engine = standing_for(case.engine, self.keys)
        where = (case.chip.generation, case.weights, engine, case.chip.scale_up_fabric)
        best = {key[0]: column for column, key in enumerate(self.keys)
                if all(own in (ANY, asked) for own, asked in zip(key[1:], where, strict=True))}
        return [best[name] for name in self.names]


def knobs(priors: pd.DataFrame, names: list[str], levels: Mapping[str, list[tuple[str, str]]]) -> Knobs:
    """Knobs of the named parameters; `levels`: for each `by` its (generation, engine or fabric; precision)."""
    keys: list[Key] = []
    numbers: list[tuple[float, ...]] = []
    known = own_priors(priors)
    row: Any
    for row in priors[priors["parameter"].isin(names) & (priors["engine"] == ANY)].itertuples():
        first = len(keys)
        bounds = (float(np.log(row.floor)), float(np.log(row.ceiling)))
        keys.append((str(row.parameter), ANY, ANY, ANY, ANY))
        numbers.append((first, float(np.log(row.value)), float(row.spread), *bounds))
        for level, precision in levels.get(str(row.by), []):
            where = {"generation": (level, ANY, ANY, ANY), "generation+precision": (level, precision, ANY, ANY),
                     "engine": (ANY, ANY, level, ANY), "fabric": (ANY, ANY, ANY, level)}[str(row.by)]
            keys.append((str(row.parameter), *where))
            away, spread = known.get((str(row.parameter), where[2]), (0.0, float(row.between) * apart(row.by, level)))
            numbers.append((first, away, spread, *bounds))
    table = np.array(numbers)
    return Knobs(keys, table[:, 0].astype(np.intp), *(table[:, i] for i in range(1, 5)))


def apart(by: str, level: str) -> float:
    """How many times as freely a level deviates: an engine that is none of today's by APART."""
    return APART if by == "engine" and level not in (*CURRENT, ANY) else 1.0


def own_priors(priors: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """(parameter, engine) of which more is known -> (log of its prior against the common one, its spread)."""
    common = priors[priors["engine"] == ANY].set_index("parameter")["value"]
    return {(str(name), str(engine)): (float(np.log(value / common[name])), float(spread))
            for name, engine, value, spread in zip(*(priors[c] for c in ("parameter", "engine", "value", "spread")),
                                                   strict=True) if engine != ANY}


@dataclass
class Evidence:
    """Rows to learn from, as cases, with the weight of each."""

    rows: pd.DataFrame
    cases: Sequence[Case | LinkCase]
    weight: Array
    """By position in `rows`."""
    usual: Array
    """Size of a log error that counts as usual, likewise."""
    place: dict[int, int]

    @cached_property
    def logs(self) -> Array:
        """Logarithms of the measured values."""
        return np.asarray(np.log(self.rows["value"].to_numpy(dtype=float)))

    @cached_property
    def spots(self) -> list[NDArray[np.intp]]:
        """Positions in `rows` of the entries of each case."""
        return [np.array([self.place[int(i)] for i in case.index], dtype=np.intp) for case in self.cases]

    def error(self, number: int, table: Calibration) -> Array:
        """Weighted log errors of one case, one row for each of `Calibration.moved`; 0 where it does not fit."""
        value, saturated = ask(self.cases[number], table)
        spots = self.spots[number]
        known = np.isfinite(value) & ~saturated & (value > 0)
        error = np.log(np.where(known, value, 1.0)) - self.logs[spots]
        return np.asarray(np.where(known, error, 0.0) / self.usual[spots])

    def errors(self, table: Calibration) -> Array:
        """Weighted log errors of all rows."""
        made = np.zeros(len(self.rows))
        for number, spots in enumerate(self.spots):
            made[spots] = self.error(number, table)
        return made

    def slopes(self, chosen: Knobs, point: Array, table: Calibration) -> Array:
        """Change of each weighted log error with each entry of a point, (rows, entries)."""
        moved, free = table.moved(chosen.names, SERVING_STEP), chosen.free(point)
        made = np.zeros((len(self.rows), len(point)))
        for number, (case, spots) in enumerate(zip(self.cases, self.spots, strict=True)):
            found = self.error(number, moved)
            for row, column in enumerate(chosen.columns(case), start=1):
                change = (found[row] - found[0]) / SERVING_STEP * free[column]
                made[spots, column] = change
                made[spots, chosen.common[column]] = change
        return made


def ask(case: Case | LinkCase, table: Calibration) -> tuple[Array, Bools]:
    """(prediction, saturated) of each row of a case."""
    return predict_links(case, table) if isinstance(case, LinkCase) else predict_case(case, table)


def evidence(rows: pd.DataFrame, catalogue: Catalogue) -> Evidence:
    """Predictable rows; each weighs by its metric, and by the root of how many of its own kind there are."""
    kept = rows[(rows["reason"] == "") & (rows["load"] != "collective") & ~rows["queued"]]
    kind = kept.groupby(["file", "model", "accelerator", "weights", "engine", "metric"])["value"].transform("size")
    scale = np.where((kept["metric"] == "ttft_ms") & kept["load"].isin(("closed", "open"))
                     & (kept["beside"] == "loaded"), USUAL_TTFT, USUAL)
    weight = kind.to_numpy(dtype=float) ** -0.25
    return Evidence(kept, cases(kept, catalogue), weight, scale, {int(i): n for n, i in enumerate(kept.index)})


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

    return _descend(known, chosen, fixed, at, rounds)


def soften(error: Array) -> tuple[Array, Array]:
    """(r, dr/derror) with r^2 = log(1 + error^2), the Cauchy loss: what is far off counts little."""
    r = np.sign(error) * np.sqrt(np.log1p(error**2))
    far = np.abs(error) > FLAT
    return r, np.where(far, np.abs(error) / (1.0 + error**2) / np.where(far, np.abs(r), 1.0), 1.0)


def _descend(known: Evidence, chosen: Knobs, fixed: Mapping[Key, float], at: Array, rounds: int) -> Fitted:
    """Least squares with a Cauchy loss on data and plain squares on priors."""
    centre, spread, weight = chosen.start, chosen.spread, known.weight

    def calibration(point: Array) -> Calibration:
        return Calibration.of({**fixed, **chosen.values(point)})

    def robust(point: Array) -> Array:
        return np.concatenate([soften(known.errors(calibration(point)))[0] * weight, (point - centre) / spread])

    def slopes(point: Array) -> Array:
        table = calibration(point)
        gain = soften(known.errors(table))[1] * weight
        return np.concatenate([known.slopes(chosen, point, table) * gain[:, None], np.diag(1.0 / spread)])

    own = chosen.common == np.arange(len(at))
    low = np.where(own, chosen.low, -np.inf)
    high = np.where(own, chosen.high, np.inf)
    with threadpool_limits(1):
        found = least_squares(robust, np.clip(at, low + 1e-9, high - 1e-9), jac=slopes, bounds=(low, high),
                              max_nfev=rounds, x_scale=spread, xtol=1e-4, ftol=1e-5)
        slope = np.asarray(found.jac, dtype=np.float64)
        covariance = np.linalg.inv(slope.T @ slope)
    point = np.asarray(found.x, dtype=np.float64)
    return Fitted(chosen, point, np.asarray(covariance, dtype=np.float64), calibration(point))


def _knobs_of(known: Evidence, priors: pd.DataFrame) -> Knobs:
    common = priors[priors["engine"] == ANY]
    free = [str(n) for n in common.loc[common["spread"] > 0, "parameter"] if n not in LINKS]
    seen = known.cases
    levels = {
        "generation": sorted({(case.chip.generation, ANY) for case in seen}),
        "generation+precision": sorted({(case.chip.generation, case.weights) for case in seen}),
        "engine": sorted({(case.engine, ANY) for case in seen if case.engine != ANY}),
    }
    return knobs(priors, free, levels)


def fixed_values(priors: pd.DataFrame) -> dict[Key, float]:
    """Rows of every parameter at its prior value; what is fitted comes over them."""
    return {(str(n), ANY, ANY, str(engine), ANY): float(v)
            for n, engine, v in zip(priors["parameter"], priors["engine"], priors["value"], strict=True)}


def fit_links(rows: pd.DataFrame, catalogue: Catalogue, priors: pd.DataFrame) -> tuple[dict[Key, float], Fitted | None]:
    """(rows of latency and efficiency by scale-up fabric, the fit), from collectives alone; no rows without them."""
    asked = rows[(rows["reason"] == "") & (rows["load"] == "collective")]
    if asked.empty:
        return {}, None
    found = link_cases(rows, catalogue)
    fabrics = sorted({case.chip.scale_up_fabric for case in found})
    chosen = knobs(priors, list(LINKS), {"fabric": [(name, ANY) for name in fabrics]})
    alike = asked.groupby(["file", "accelerator", "tp"])["value"].transform("size").to_numpy(dtype=float)
    known = Evidence(asked, found, alike**-0.25, np.full(len(asked), USUAL), {int(i): n for n, i in
                                                                            enumerate(asked.index)})
    fitted = _descend(known, chosen, fixed_values(priors), chosen.start.copy(), ROUNDS)
    return chosen.values(fitted.solution), fitted


def priors_of(catalogue: Catalogue) -> pd.DataFrame:
    """The table of priors; InputError when it names a parameter the model does not have."""
    from capacity.serving.calibration import PARAMETERS

    table = catalogue.table("calibration_priors")
    own = table["engine"] != ANY
    unlike = set(table.loc[~own, "parameter"]) ^ set(PARAMETERS) | set(table["parameter"]) - set(PARAMETERS)
    apiece = table.loc[own & ((table["by"] != "engine") | ~(table["spread"] > 0)), "parameter"]
    if len(apiece):
        raise InputError(f"calibration_priors.csv: {apiece.iloc[0]}: a row of one engine is by engine, with a spread")
    if unlike:
        raise InputError(f"calibration_priors.csv: {', '.join(sorted(unlike))}: each parameter of the serving model "
                         "needs one row for any engine, and no other has one")
    return table
