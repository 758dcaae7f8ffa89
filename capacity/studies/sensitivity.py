"""Sensitivity: which uncertain inputs move a figure of the plan most: tornado, Morris screening, Sobol indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.errors import CapacityError, InputError, nearest
from capacity.scenario import load_scenario
from capacity.studies.differ import decided
from capacity.studies.file import Study, StudySpec, inputs_of
from capacity.studies.keys import Base
from capacity.studies.members import numbered
from capacity.studies.uncertain import Input

Floats = NDArray[np.float64]
Runner = Callable[[Study, Path], pd.DataFrame]
"""Runs a study in a folder and returns its results, as `run_study` does."""

MORRIS_LEVELS = 4
"""Levels of each input in Morris's design; Saltelli et al. (2008), Global Sensitivity Analysis, chapter 3."""


def tornado(spec: StudySpec, folder: Path, run: Runner, figure: str = "cost_musd") -> pd.DataFrame:
    """Each uncertain input at its low and its high end, all else as it is; the widest swing first.

    Columns input, low, high, at_low, at_high (the figure), swing, decided (the gaps tell both ends apart), source.
    Members without a plan leave NaN. Raises InputError for an unknown figure.
    """
    base = Base(load_scenario(spec.scenario, spec.set))
    inputs = inputs_of(spec, base)
    values = [{i.path: end} for i in inputs for end in (i.low_end(), i.high_end())]
    table = run(_study(spec, base, values, inputs), folder)
    value = _figure(table, figure)
    rows = {row["label"]: row for row in table.to_dict("records")}
    goals = [c.removesuffix("_objective") for c in table.columns if c.endswith("_objective")]
    found = []
    for i in inputs:
        low, high = (rows[f"{i.path}={end}"] for end in (i.low_end(), i.high_end()))
        ends = [float(value[table["label"] == row["label"]].iloc[0]) for row in (low, high)]
        told = decided({str(k): v for k, v in low.items()}, {str(k): v for k, v in high.items()}, goals)
        found.append({"input": i.path, "low": i.low_end(), "high": i.high_end(), "at_low": ends[0], "at_high": ends[1],
                      "swing": abs(ends[1] - ends[0]), "decided": told != "not decided", "source": i.source})
    out = pd.DataFrame(found).sort_values("swing", ascending=False, na_position="last", kind="stable")
    return out.reset_index(drop=True).assign(base=float(value.iloc[0]))


def morris(spec: StudySpec, folder: Path, run: Runner, figure: str = "cost_musd", paths: int = 8) -> pd.DataFrame:
    """Morris screening: mean absolute elementary effect and their spread for each input, the largest first.

    `paths` trajectories of (inputs + 1) plans. Columns input, effect (mu*), signed (mu), spread (sigma), confidence.
    """
    from SALib.analyze import morris as analyse
    from SALib.sample import morris as draw

    def sample(problem: dict[str, Any]) -> Floats:
        drawn: Floats = draw.sample(problem, paths, num_levels=MORRIS_LEVELS, seed=spec.seed)
        return drawn

    points, values, problem = _sampled(spec, folder, run, figure, sample)
    found = analyse.analyze(problem, points, values, num_levels=MORRIS_LEVELS, seed=spec.seed)
    out = pd.DataFrame({"input": problem["names"], "effect": found["mu_star"], "signed": found["mu"],
                        "spread": found["sigma"], "confidence": found["mu_star_conf"]})
    return out.sort_values("effect", ascending=False).reset_index(drop=True)


def sobol(spec: StudySpec, folder: Path, run: Runner, figure: str = "cost_musd", samples: int = 32) -> pd.DataFrame:
    """Sobol indices: share of the figure's variance by each input alone (first) and with all others (total).

    `samples` x (inputs + 2) plans. Columns input, first, first_confidence, total, total_confidence.
    """
    from SALib.analyze import sobol as analyse
    from SALib.sample import sobol as draw

    def sample(problem: dict[str, Any]) -> Floats:
        drawn: Floats = draw.sample(problem, samples, calc_second_order=False, seed=spec.seed)
        return drawn

    _, values, problem = _sampled(spec, folder, run, figure, sample)
    found = analyse.analyze(problem, values, calc_second_order=False, seed=spec.seed)
    out = pd.DataFrame({"input": problem["names"], "first": found["S1"], "first_confidence": found["S1_conf"],
                        "total": found["ST"], "total_confidence": found["ST_conf"]})
    return out.sort_values("total", ascending=False).reset_index(drop=True)


def _sampled(
    spec: StudySpec, folder: Path, run: Runner, figure: str, sample: Callable[[dict[str, Any]], Floats]
) -> tuple[Floats, Floats, dict[str, Any]]:
    """(points in the unit cube, figure at each, SALib's problem). Raises CapacityError when a point has no plan."""
    base = Base(load_scenario(spec.scenario, spec.set))
    inputs = inputs_of(spec, base)
    problem = {"num_vars": len(inputs), "names": [i.path for i in inputs], "bounds": [[0.0, 1.0]] * len(inputs)}
    points = sample(problem)
    wanted = [{i.path: i.at(float(share)) for i, share in zip(inputs, point, strict=True)} for point in points]
    study = _study(spec, base, wanted, inputs)
    table = run(study, folder).set_index("member")
    number = {tuple(sorted(m.values.items())): m.number for m in study.members}
    at = [number[tuple(sorted(values.items()))] for values in wanted]
    values = _figure(table, figure).loc[at].to_numpy(dtype=float)
    lost = int(np.isnan(values).sum())
    if lost:
        why = table.loc[[n for n, v in zip(at, values, strict=True) if np.isnan(v)], "reason"].iloc[0]
        raise CapacityError(f"{lost} of {len(values)} points have no {figure}: {why}; the plans found are kept in "
                            f"{folder}; narrow the inputs, since the indices need every point")
    return points, values, problem


def _study(spec: StudySpec, base: Base, values: Sequence[dict[str, str]], inputs: Sequence[Input]) -> Study:
    members = numbered(values)
    overrides = tuple(tuple(s for path, text in m.values.items() for s in base.sets(path, text)) for m in members)
    plain = Study(spec.name, spec.scenario, tuple(spec.set), tuple(members), overrides, spec.gap, spec.time_limit)
    return replace(plain, description=spec.description, inputs=tuple(inputs))


def _figure(table: pd.DataFrame, name: str) -> pd.Series:
    numbers = [str(c) for c in table.columns if pd.api.types.is_numeric_dtype(table[c]) and c != "member"]
    if name not in numbers:
        near = nearest(name, numbers)
        raise InputError(f"--figure {name}: no such figure; " +
                         (f"did you mean `{near}`?" if near else f"there are: {', '.join(numbers)}"))
    return pd.to_numeric(table[name])
