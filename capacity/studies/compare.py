"""Comparison tables: each member of a study, or each of some plans, against the first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from capacity.errors import CapacityError, InputError
from capacity.plan import Plan, load_plan
from capacity.studies.differ import decided, difference
from capacity.studies.members import told_label
from capacity.studies.rows import figures
from capacity.studies.store import PLANS, STUDY, Store

COST_GOALS = ("cost", "cost_and_shortage")


def compare_study(folder: Path | str) -> pd.DataFrame:
    """One row a member against the base: figures, `verdict` (by the goals, `not decided` within the gaps), `changed`.

    Raises InputError when the folder is no study or its base has no plan.
    """
    store = Store(Path(folder))
    results = store.results()
    planned = results[results["key"].map(lambda k: bool(k) and (store.plans / k / "plan.json").is_file())]
    if planned.empty:
        return results.assign(verdict="", changed=results["reason"])
    base = load_plan(store.plans / planned.iloc[0]["key"])
    first, *others = ({str(k): v for k, v in row.items()} for row in planned.to_dict("records"))
    verdicts, words = {}, {}
    for at, row in zip(planned.index[1:], others, strict=True):
        plan = load_plan(store.plans / row["key"])
        verdicts[at], words[at] = decided(first, row, goals_of(base)), difference(base, plan).words()
    verdict = pd.Series(verdicts, dtype=object).reindex(results.index, fill_value="")
    changed = pd.Series(words, dtype=object).reindex(results.index)
    return results.assign(verdict=verdict, changed=changed.fillna(results["reason"]).fillna(""))


def compare_plans(folders: Sequence[Path | str]) -> pd.DataFrame:
    """One row a plan, each against the first. A study's folder stands for all of its plans.

    Raises InputError for fewer than two plans or a folder that is neither.
    """
    plans = [(name, plan) for folder in folders for name, plan in _plans(Path(folder))]
    if len(plans) < 2:
        raise InputError("compare: give at least two plans, or a study with two")
    (_, base), *_ = plans
    first = figures(base)
    rows = []
    for name, plan in plans:
        own = figures(plan)
        same = plan is base
        rows.append({"plan": name, "status": plan.status, **own,
                     "verdict": "" if same else decided(first, own, goals_of(base)),
                     "changed": "" if same else difference(base, plan).words()})
    return pd.DataFrame(rows)


def _plans(folder: Path) -> list[tuple[str, Plan]]:
    if not (folder / STUDY).is_file():
        return [(folder.name or str(folder), load_plan(folder))]
    results = Store(folder).results()
    return [(f"{folder.name}: {row['label']}", load_plan(folder / PLANS / row["key"]))
            for row in results.to_dict("records") if row["key"] and (folder / PLANS / row["key"]).is_dir()]


def goals_of(plan: Plan) -> list[str]:
    """Goals in their order."""
    return [str(g) for g in plan.stages["goal"]]


def changes(table: pd.DataFrame) -> list[str]:
    """`what is set: what changed`, a line for each row but the first; why there is no plan where there is none."""
    name = "member" if "member" in table else "plan"
    return [f"{row[name]}  {row['changed']}" for row in table.to_dict("records")[1:] if row["changed"]]


def told(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of a comparison that a reader wants first, in short words."""
    names = {
        "member": "#", "plan": "plan", "label": "what is set", "status": "status", "cost_musd": "cost M$",
        "short_share": "short %", "first_short_year": "short from", "instances_last": "instances M",
        "usd_per_instance_hour": "$/inst-h", "sites": "sites", "facility_mw": "MW", "gap": "gap %",
        "verdict": "vs first",
    }
    if len(table) and "label" in table and "verdict" in table:
        names.pop("plan")
    scaled = table.copy()
    if "label" in scaled:
        scaled["label"] = scaled["label"].astype(str).map(told_label)
    for column, factor in (("short_share", 100.0), ("gap", 100.0), ("instances_last", 1e-6)):
        if column in scaled:
            scaled[column] = pd.to_numeric(scaled[column]) * factor
    shown = [c for c in names if c in scaled]
    out = scaled[shown].rename(columns=names)
    rounded = {"cost M$": 0, "short %": 2, "instances M": 2, "$/inst-h": 4, "MW": 0, "gap %": 2}
    for column, digits in rounded.items():
        if column in out:
            big = column in ("cost M$", "MW") and bool((pd.to_numeric(out[column]).abs() < 100).any())
            out[column] = pd.to_numeric(out[column]).round(1 if big else digits)
    if "short from" in out:
        out["short from"] = pd.to_numeric(out["short from"]).map(lambda y: "" if pd.isna(y) else f"{y:.0f}")
    return out


def query(folder: Path | str, sql: str) -> pd.DataFrame:
    """The answer to an SQL query on a study, by DuckDB.

    Tables: `results`, and every table of the plans (`schedule`, `pods`, `phases`, ...) with the columns `key`, `member`
    and `label` in front. Raises InputError when DuckDB is not installed, or with its message when the query is wrong.
    """
    try:
        import duckdb
    except ImportError:
        raise InputError("capacity query needs DuckDB: pip install 'capacity[studies]'") from None
    store = Store(Path(folder))
    results = store.results()
    lake = duckdb.connect()
    try:
        lake.execute("set python_enable_replacements = false")
        lake.register("results", results)
        tables = sorted({p.stem for p in store.plans.glob("*/tables/*.parquet")} - {"results"})
        for name in tables:
            files = str(store.plans.absolute() / "*" / "tables" / f"{name}.parquet").replace("'", "''")
            lake.execute(
                f'create view "{name}" as select r.key, r.member, r.label, t.* exclude (filename) '
                f"from read_parquet('{files}', filename = true, union_by_name = true) t "
                "join results r on r.key = regexp_extract(t.filename, '([^/\\\\]+)[/\\\\]tables[/\\\\]', 1)")
        lake.execute("set enable_external_access = false") if not tables else None
        return lake.execute(sql).df()
    except duckdb.Error as error:
        names = ", ".join(["results", *sorted({p.stem for p in store.plans.glob('*/tables/*.parquet')})])
        raise InputError(f"query: {' '.join(str(error).splitlines()[:2])}; tables: {names}") from None
    finally:
        lake.close()


def check_plan(store: Store, key: str) -> Plan:
    """The plan of a key. Raises CapacityError when the study has none."""
    folder = store.plans / key
    if not folder.is_dir():
        raise CapacityError(f"{store.folder}: the plan {key} is missing")
    return load_plan(folder)
