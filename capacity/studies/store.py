"""A study as a folder: its question, a folder for each plan, a file for each member without one, one Parquet.

    study.json            name, scenario, members with what each sets, options
    plans/KEY/            a plan's folder; also row.json (its results) and keepsake.npz (what the next solve uses)
    without_plan/KEY.json why a member has no plan
    results.parquet       one row a member

Every file appears whole or not at all, so a killed study loses only what was under way. KEY is a hash of the scenario,
options, versions and tables: the same question is solved once, in whichever study of the same parent folder it stands.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from capacity.errors import InputError
from capacity.plan.folders import take
from capacity.studies.file import Study
from capacity.studies.members import Member
from capacity.studies.solve import FINAL, KEEPSAKE, ROW, Done

FORMAT = 1
STUDY, RESULTS, PLANS, WITHOUT = "study.json", "results.parquet", "plans", "without_plan"


@dataclass(frozen=True)
class Store:
    """One study's folder."""

    folder: Path

    @property
    def plans(self) -> Path:
        """Where the plans' folders stand."""
        return self.folder / PLANS

    def begin(self, study: Study, keys: Mapping[int, str]) -> None:
        """Write the question. Raises InputError when the folder holds something else."""
        if self.folder.is_file():
            raise InputError(f"{self.folder}: is a file; name a folder for the study")
        foreign = self.folder.is_dir() and any(p for p in self.folder.iterdir() if not p.name.startswith("."))
        if foreign and not (self.folder / STUDY).is_file():
            raise InputError(f"{self.folder}: holds something that is not a study; name another folder with --out")
        try:
            self.plans.mkdir(parents=True, exist_ok=True)
            (self.folder / WITHOUT).mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder}: cannot write a study there: {error.strerror or error}") from None
        members = [{"member": m.number, "values": dict(m.values), "sets": list(s), "key": keys.get(m.number, "")}
                   for m, s in zip(study.members, study.overrides, strict=True)]
        told = {"format": FORMAT, "name": study.name, "description": study.description, "scenario": study.scenario,
                "sets": list(study.sets), "gap": study.gap, "time_limit": study.time_limit, "members": members,
                "inputs": [asdict(i) for i in study.inputs]}
        write_whole(self.folder / STUDY, json.dumps(told, indent=1).encode())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the study against a second run; the lock dies with the process. Raises InputError when it is held."""
        try:
            handle = take(self.folder / ".lock")
        except BlockingIOError:
            raise InputError(f"{self.folder}: another run works on this study now") from None
        except OSError as error:
            raise InputError(f"{self.folder}: cannot write a study there: {error.strerror or error}") from None
        with handle:
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Take away drafts that a killed run left."""
        for parent in (self.plans, self.folder, self.folder / WITHOUT):
            for draft in parent.glob(".*.*") if parent.is_dir() else ():
                shutil.rmtree(draft) if draft.is_dir() else draft.unlink()

    def find(self, key: str) -> Done | None:
        """A finished task of this study, or of one beside it, whose plan is then shared; None: it must be solved."""
        own = self._row(key)
        if own is not None:
            return own
        for other in sorted(self.folder.absolute().parent.glob(f"*/{PLANS}/{key}")):
            if other.parent != self.plans and (other / ROW).is_file():
                self._share(other, key)
                return self._row(key)
        return None

    def _row(self, key: str) -> Done | None:
        folder, without = self.plans / key, self.folder / WITHOUT / f"{key}.json"
        if (folder / ROW).is_file() and (folder / "plan.json").is_file():
            return Done(key, json.loads((folder / ROW).read_text())["row"], str(folder))
        if without.is_file():
            row = json.loads(without.read_text())
            return Done(key, row) if row["status"] in FINAL else None
        return None

    def _share(self, other: Path, key: str) -> None:
        """The same files under this study's folder: linked where the disk allows it, else copied."""
        draft = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=self.plans))
        shutil.copytree(other, draft / key, copy_function=_link_or_copy)
        try:
            (draft / key).rename(self.plans / key)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def keepsake(self, key: str) -> Path | None:
        """The file that a solve may start from."""
        path = self.plans / key / KEEPSAKE
        return path if path.is_file() else None

    def note(self, done: Done) -> None:
        """Keep why a task has no plan."""
        if done.folder is None:
            path = self.folder / WITHOUT / f"{done.key}.json"
            write_whole(path, json.dumps(dict(done.row), indent=1).encode())

    def write_results(self, table: pd.DataFrame) -> None:
        """Replace the Parquet of results."""
        draft = self.folder / f".{RESULTS}.{os.getpid()}"
        table.to_parquet(draft, index=False)
        draft.replace(self.folder / RESULTS)

    def results(self) -> pd.DataFrame:
        """One row a member. Raises InputError when the folder is no study."""
        self.question()
        path = self.folder / RESULTS
        if not path.is_file():
            raise InputError(f"{self.folder}: no results yet; `capacity what-if` with this folder goes on with it")
        return pd.read_parquet(path)

    def question(self) -> dict[str, Any]:
        """What study.json says. Raises InputError when the folder is no study of this layout."""
        path = self.folder / STUDY
        if not path.is_file():
            raise InputError(f"{self.folder}: no study here (study.json is missing); `capacity what-if` writes one")
        try:
            told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: damaged: {error}") from None
        if told.get("format") != FORMAT:
            raise InputError(f"{path}: layout {told.get('format')}; this version reads layout {FORMAT}")
        return told


def results_table(members: Mapping[int, Member], done: Mapping[int, Done]) -> pd.DataFrame:
    """One row a finished member: number, label, each varied key (`=` of its path), then the figures of its plan."""
    paths = list(dict.fromkeys(path for m in members.values() for path in m.values))
    rows = []
    for number in sorted(done):
        member = members[number]
        varied = {path: member.values.get(path) for path in paths}
        rows.append({"member": number, "label": member.label, **varied, "key": done[number].key, **done[number].row})
    table = pd.DataFrame(rows)
    for path in paths:
        table[path] = _as_numbers(table[path])
    return table


def _as_numbers(column: pd.Series) -> pd.Series:
    """Plain numbers and factors as numbers, so that SQL can compare them; anything else stays text."""
    text = column.dropna().map(str).str.removeprefix("x")
    numbers = pd.to_numeric(text, errors="coerce")
    return column.map(str, na_action="ignore") if numbers.isna().any() else numbers.reindex(column.index)


def write_whole(path: Path, content: bytes) -> None:
    """A file that is there whole or not at all, whatever happens."""
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    Path(draft).replace(path)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
