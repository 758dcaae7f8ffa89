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
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from capacity.errors import InputError
from capacity.plan.columns import PLAN_TABLES, conform
from capacity.plan.model import Plan
from capacity.problem import Problem

FORMAT = 2
"""Version of the folder's layout."""
SCENARIO_FILE = "scenario.yaml"


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
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise InputError(f"{target}: cannot write a plan there: {error.strerror or error}") from None
    try:
        _write(plan, draft)
        for name, content in (beside or {}).items():
            (draft / name).write_bytes(content)
        draft.chmod(0o777 & ~_umask())
        _replace(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _refuse_foreign(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise InputError(f"{target}: is a file; give a folder for the plan")
    if any(target.iterdir()) and not (target / "plan.json").is_file():
        raise InputError(f"{target}: is a folder without plan.json, so not a plan; nothing is overwritten")


def _replace(draft: Path, target: Path) -> None:
    """Renames the draft to the target; what stood there is moved aside first and removed last."""
    if not target.exists():
        draft.rename(target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    target.rename(aside / "plan")
    try:
        draft.rename(target)
    except OSError:
        (aside / "plan").rename(target)
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(plan: Plan, folder: Path) -> None:
    whole = {**plan.tables, "stages": plan.stages, "assumptions": plan.assumptions}
    _write_tables(whole, folder / "tables")
    _write_tables({n: t for n, t in plan.problem.tables.items() if len(t)}, folder / "problem")
    _write_tables({n: t for n, t in plan.problem.words.items() if len(t)}, folder / "problem" / "words")
    _write_tables({n: t for n, t in plan.values.items() if len(t)}, folder / "values")
    plan.assumptions.to_csv(folder / "assumptions.csv", index=False)
    digest = None
    if plan.scenario is not None:
        from capacity.scenario import resolved, scenario_hash

        (folder / SCENARIO_FILE).write_text(resolved(plan.scenario), encoding="utf-8")
        digest = scenario_hash(plan.scenario)
    head = {
        "format": FORMAT, "name": plan.name, "status": plan.status, "problem": plan.problem.name,
        "summary": dict(plan.summary), "scenario_sha256": digest, "versions": _versions(),
    }
    (folder / "plan.json").write_text(json.dumps(head, indent=2, allow_nan=False) + "\n", encoding="utf-8")


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
    where = Path(folder)
    head = _head(where)
    tables = {n: conform(n, t) for n, t in _read_tables(where / "tables").items() if n in PLAN_TABLES}
    missing = [n for n in PLAN_TABLES if n not in tables]
    if missing:
        raise InputError(f"{where / 'tables'}: {missing[0]}.parquet is missing")
    problem = Problem.of(_read_tables(where / "problem"), _read_tables(where / "problem" / "words"), head["problem"])
    stages, assumptions = tables.pop("stages"), tables.pop("assumptions")
    return Plan(
        name=head["name"], status=head["status"], scenario=_scenario(where, head), summary=head["summary"],
        tables=tables, stages=stages, assumptions=assumptions, problem=problem, values=_read_tables(where / "values"),
    )


def _scenario(where: Path, head: Mapping[str, Any]) -> Any:
    if head["scenario_sha256"] is None:
        return None
    from capacity.scenario import load_scenario

    return load_scenario(where / SCENARIO_FILE)


def _head(where: Path) -> dict[str, Any]:
    path = where / "plan.json"
    if not path.is_file():
        raise InputError(f"{where}: no plan here (plan.json is missing); `capacity solve --out {where}` writes one")
    try:
        head: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: damaged: {error}") from None
    keys = {"format", "name", "status", "problem", "summary", "scenario_sha256"}
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
