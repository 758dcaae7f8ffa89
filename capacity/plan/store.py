"""A plan as a folder: plan.json, Parquet tables, the resolved scenario, the assumptions, and what the audit needs.

    plan.json            name, status, summary, versions, scenario hash
    tables/*.parquet     the tables of `columns.PLAN_TABLES`, stages and assumptions among them
    problem/*.parquet    the planning problem's tables; problem/words/*.parquet the same in the user's words
    values/*.parquet     the solution's variables, zeros left out
    scenario.yaml        the scenario as resolved
    assumptions.csv      what, value, unit, confidence, source
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from capacity.errors import InputError
from capacity.plan.columns import PLAN_TABLES, conform
from capacity.plan.folders import draft_of, put_in_place, set_aside
from capacity.plan.losses import LOSSES, loss_tables
from capacity.plan.model import Plan
from capacity.problem import Problem
from capacity.scenario.schema import Scenario

FORMAT = 2
"""Version of the folder's layout."""
SCENARIO_FILE = "scenario.yaml"
BEST = "best.npz"
"""A search's best point; see `running`."""
PLAN_FILE, QUESTION_FILE = "plan.json", "search.json"
"""What makes a folder a plan's, and what makes it that of a search which has no tables of its plan yet."""


def save_plan(plan: Plan, folder: Path | str, beside: Mapping[str, bytes] | None = None) -> Path:
    """Writes the plan's folder at once or not at all, replacing a plan that is already there; returns its path.

    `beside` are further files to stand in the folder, by name.

    Everything is written beside the target and moved into place. Raises InputError when the target exists and is no
    plan folder, or cannot be written.
    """
    target = Path(folder).absolute()
    _refuse_foreign(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = draft_of(target)
    except OSError as error:
        raise InputError(f"{target}: cannot write a plan there: {error.strerror or error}") from None
    try:
        _write(plan, draft)
        for name, content in (beside or {}).items():
            (draft / name).write_bytes(content)
        put_in_place(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _refuse_foreign(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{target}: is a file; give a folder for the plan")
    if any(target.iterdir()) and not holds_run(target):
        raise InputError(f"{target}: is a folder without plan.json, so not a plan; nothing is overwritten")


def holds_run(folder: Path) -> bool:
    """Whether a folder is a plan's or a search's."""
    return (folder / PLAN_FILE).is_file() or (folder / QUESTION_FILE).is_file()


def _write(plan: Plan, folder: Path) -> None:
    whole = {**plan.tables, "stages": plan.stages, "assumptions": plan.assumptions}
    _write_tables(whole, folder / "tables")
    _write_tables({n: t for n, t in plan.values.items() if len(t)}, folder / "values")
    plan.assumptions.to_csv(folder / "assumptions.csv", index=False)
    told = _write_question(plan.scenario, plan.problem, folder)
    head = {
        "format": FORMAT, "name": plan.name, "status": plan.status, "summary": dict(plan.summary), **told,
        "versions": _versions(),
    }
    (folder / PLAN_FILE).write_text(json.dumps(head, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _write_question(scenario: Scenario | None, problem: Problem, folder: Path) -> dict[str, Any]:
    """Writes the problem and the scenario; returns what tells them: problem, scenario_sha256."""
    _write_tables({n: t for n, t in problem.tables.items() if len(t)}, folder / "problem")
    _write_tables({n: t for n, t in problem.words.items() if len(t)}, folder / "problem" / "words")
    if scenario is None:
        return {"problem": problem.name, "scenario_sha256": None}
    from capacity.scenario import resolved, scenario_hash

    (folder / SCENARIO_FILE).write_text(resolved(scenario), encoding="utf-8")
    return {"problem": problem.name, "scenario_sha256": scenario_hash(scenario)}


def save_question(scenario: Scenario | None, problem: Problem, folder: Path, beside: Mapping[str, bytes]) -> None:
    """Writes the folder of a search that has no plan yet, at once or not at all. Raises OSError where one stands."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(folder)
    try:
        head = {"format": FORMAT, **_write_question(scenario, problem, draft)}
        (draft / QUESTION_FILE).write_text(json.dumps(head, indent=2) + "\n", encoding="utf-8")
        for name, content in beside.items():
            (draft / name).write_bytes(content)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def load_question(folder: Path) -> tuple[Scenario | None, Problem]:
    """The scenario and the problem that a folder is about, whether it has a plan or not. Raises as `load_plan`."""
    head = run_head(folder)
    return _scenario(folder, head), _problem(folder, head)


def _problem(where: Path, head: Mapping[str, Any]) -> Problem:
    return Problem.of(_read_tables(where / "problem"), _read_tables(where / "problem" / "words"), head["problem"])


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("capacity", "highspy", "pandas", "pyomo")}


def _write_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)


def load_plan(folder: Path | str) -> Plan:
    """The plan in a folder, with its problem and values, ready for `audit`.

    Raises InputError naming folder and file when something is missing, damaged or of another layout.
    """
    where = set_aside(Path(folder))
    head = plan_head(where)
    tables = {n: conform(n, t) for n, t in _read_tables(where / "tables").items() if n in PLAN_TABLES}
    problem, values = _problem(where, head), _read_tables(where / "values")
    missing = [n for n in PLAN_TABLES if n not in tables and n not in LOSSES]
    if missing:
        raise InputError(f"{where / 'tables'}: {missing[0]}.parquet is missing")
    if not set(LOSSES) <= set(tables):  # written before plans told them: made from the same values
        tables |= loss_tables(problem, values, tables)
    stages, assumptions = tables.pop("stages"), tables.pop("assumptions")
    return Plan(
        name=head["name"], status=head["status"], scenario=_scenario(where, head), summary=head["summary"],
        tables=tables, stages=stages, assumptions=assumptions, problem=problem, values=values,
    )


def point_ahead(folder: Path) -> bool:
    """Whether a search left a point in a folder that its plan's tables do not tell. Raises InputError: damaged."""
    path = folder / BEST
    if not path.is_file():
        return False
    try:
        with np.load(path, allow_pickle=False) as found:
            return not json.loads(str(found["told"]))["whole"]
    except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: damaged: {error}") from None


def _scenario(where: Path, head: Mapping[str, Any]) -> Any:
    if head["scenario_sha256"] is None:
        return None
    from capacity.scenario import load_scenario

    return load_scenario(where / SCENARIO_FILE)


def plan_head(where: Path) -> dict[str, Any]:
    """What plan.json says. Raises InputError when it is missing, damaged or of another layout."""
    path = where / PLAN_FILE
    if not path.is_file():
        if (where / QUESTION_FILE).is_file():
            raise InputError(f"{where}: a search left a point here but no tables yet; `capacity report {where}` makes "
                             f"them, `capacity solve --resume {where}` goes on")
        raise InputError(f"{where}: no plan here (plan.json is missing); `capacity solve --out {where}` writes one")
    return _read_head(path, {"format", "name", "status", "problem", "summary", "scenario_sha256"})


def run_head(where: Path) -> dict[str, Any]:
    """What plan.json or, before there is one, search.json says of the question: problem, scenario_sha256."""
    path = where / QUESTION_FILE
    if path.is_file() and not (where / PLAN_FILE).is_file():
        return _read_head(path, {"format", "problem", "scenario_sha256"})
    return plan_head(where)


def _read_head(path: Path, keys: set[str]) -> dict[str, Any]:
    try:
        head: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: damaged: {error}") from None
    if not isinstance(head, dict) or not keys <= set(head):
        raise InputError(f"{path}: not a plan: it must have the keys {', '.join(sorted(keys))}")
    if head["format"] != FORMAT:
        raise InputError(f"{path}: layout {head['format']}; this version reads layout {FORMAT}")
    return head


def _read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    tables = {}
    for path in sorted(folder.glob("*.parquet")):
        try:
            tables[path.stem] = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: damaged: {error}") from None
    return tables
