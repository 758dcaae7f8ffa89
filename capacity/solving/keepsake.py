"""What a solved plan leaves behind for the next like it: its whole point, and per goal the basis and row multipliers.

Columns and rows are told apart by 64-bit hashes of their names, so that a keepsake serves a problem with other years,
sites or chips too: what both have in common is carried over. The support, the openings and the active rows need no
tables of their own: they are the nonzeros of `best` and the statuses of the basis.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.errors import InputError
from capacity.solving.compile import Form
from capacity.solving.compiler import Block
from capacity.solving.labels import RowNames

Floats = NDArray[np.float64]
Names = NDArray[np.uint64]
Statuses = NDArray[np.int8]
Flags = NDArray[np.bool_]

LOWER, BASIC = 0, 1
"""HiGHS's numbers of a nonbasic variable at its lower bound and of a basic one."""
USED = 1e-9
"""Value from which on a column of a plan counts as used."""
MIX = np.uint64(0x9E3779B97F4A7C15)
"""An odd number whose multiples spread over 64 bits (the golden ratio's; Knuth, Art of Computer Programming 6.4)."""
STATUS = [highspy.HighsBasisStatus(number) for number in range(5)]


@dataclass(frozen=True)
class Relaxed:
    """The relaxation of one goal: statuses of columns and rows, multipliers of rows; kept goals' rows come last."""

    columns: Statuses
    rows: Statuses
    dual: Floats
    used: Flags
    """Columns that its point used, or that its prices called for."""


@dataclass(frozen=True)
class Keepsake:
    """`best` has a value per column; `relaxed` an entry for each goal whose relaxation was solved."""

    column_names: Names
    row_names: Names
    best: Floats
    relaxed: Mapping[str, Relaxed]

    def point(self, form: Form, names: tuple[Names, Names]) -> Floats:
        """The kept point on another problem's columns; columns it does not know are at the bound nearest to zero."""
        at = _where(self.column_names, names[0])
        nothing = np.clip(0.0, form.lower, form.upper)
        return np.where(at >= 0, self.best[at], nothing)

    def dual(self, goal: str, names: tuple[Names, Names], kept: int) -> Floats:
        """Row multipliers of a goal on another problem's rows and `kept` goals' rows; zero for unknown rows."""
        found = self.relaxed[goal]
        at = _where(self.row_names, names[1])
        own = np.where(at >= 0, found.dual[at], 0.0)
        return np.concatenate([own, _tail(found.dual[len(self.row_names):], kept, 0.0)])

    def basis(self, goal: str, names: tuple[Names, Names], kept: int) -> Any:
        """A HiGHS basis for another problem; HiGHS completes or repairs it where the problems differ."""
        found = self.relaxed[goal]
        column, row = _where(self.column_names, names[0]), _where(self.row_names, names[1])
        columns = np.where(column >= 0, found.columns[column], LOWER)
        rows = np.where(row >= 0, found.rows[row], BASIC)
        rows = np.concatenate([rows, _tail(found.rows[len(self.row_names):], kept, BASIC)])
        return basis_of(columns, rows)

    def relaxed_here(self, goal: str, names: tuple[Names, Names], kept: int) -> Relaxed:
        """A goal's statuses and multipliers on another problem's columns and rows and `kept` goals' rows."""
        found = self.relaxed[goal]
        columns, rows = _where(self.column_names, names[0]), _where(self.row_names, names[1])
        last = _tail(found.rows[len(self.row_names):], kept, BASIC)
        return Relaxed(
            np.where(columns >= 0, found.columns[columns], LOWER).astype(np.int8),
            np.concatenate([np.where(rows >= 0, found.rows[rows], BASIC), last]).astype(np.int8),
            self.dual(goal, names, kept), (columns >= 0) & found.used[columns])

    def used(self, names: tuple[Names, Names], goal: str | None = None) -> Flags:
        """Which of another problem's columns the plan or a relaxation (of one goal, else of any) used here, and columns
        that this problem did not have: shape (columns,)."""
        relaxed = [found.used for g, found in self.relaxed.items() if goal in (None, g)]
        own = np.logical_or.reduce([self.best > USED, *relaxed])
        at = _where(self.column_names, names[0])
        return np.asarray((at < 0) | own[at])

    def to_bytes(self) -> bytes:
        """As a compressed numpy archive."""
        arrays: dict[str, NDArray[Any]] = {"column_names": self.column_names, "row_names": self.row_names}
        arrays["best"] = self.best
        for goal, found in self.relaxed.items():
            arrays |= {f"{goal}.columns": found.columns, f"{goal}.rows": found.rows, f"{goal}.dual": found.dual}
            arrays[f"{goal}.used"] = found.used
        into = io.BytesIO()
        np.savez_compressed(into, **arrays)  # type: ignore[arg-type]
        return into.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Keepsake:
        """Read what `to_bytes` wrote. Raises InputError when it is damaged."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as found:
                goals = sorted({name.rpartition(".")[0] for name in found.files if "." in name})
                relaxed = {g: _read(found, g) for g in goals}
                return cls(found["column_names"], found["row_names"], found["best"], relaxed)
        except (KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"a kept basis is damaged: {error}") from None


def _read(found: Any, goal: str) -> Relaxed:
    """A goal's relaxation from an archive; one kept before columns used were told counts those not at a bound."""
    columns = found[f"{goal}.columns"]
    used = found[f"{goal}.used"] if f"{goal}.used" in found.files else columns != LOWER
    return Relaxed(columns, found[f"{goal}.rows"], found[f"{goal}.dual"], used)


def basis_of(columns: NDArray[Any], rows: NDArray[Any]) -> Any:
    """A HiGHS basis from statuses that need not make one: HiGHS completes or repairs it."""
    basis = highspy.HighsBasis()
    basis.col_status = [STATUS[s] for s in columns.astype(int).tolist()]
    basis.row_status = [STATUS[s] for s in rows.astype(int).tolist()]
    basis.valid, basis.alien = True, True
    return basis


def relaxed(basis: Any, dual: Floats, used: Flags) -> Relaxed:
    """A HiGHS basis, row multipliers and the columns used as arrays."""
    columns = np.array([int(s) for s in basis.col_status], dtype=np.int8)
    return Relaxed(columns, np.array([int(s) for s in basis.row_status], dtype=np.int8), np.array(dual), used)


def names_of(form: Form) -> tuple[Names, Names]:
    """A hash for each column (variable and index) and each row (rule and index)."""
    columns = np.zeros(form.columns, dtype=np.uint64)
    for variable, block in form.labels.blocks.items():
        columns[form.labels.span(variable)] = _hashed(variable, block)
    if not isinstance(form.row_names, RowNames):
        return columns, pd.util.hash_array(np.array(list(form.row_names), dtype=object), categorize=False)
    rows = [_hashed(rule, block) for rule, block in form.row_names.blocks.items()]
    return columns, np.concatenate([np.zeros(0, dtype=np.uint64), *rows])


def _hashed(name: str, block: Block) -> Names:
    """A hash of a component's name and each of its indices: those of the index's parts, mixed in order."""
    count = block.size if block.standing is None else len(block.standing)
    mixed = np.full(count, pd.util.hash_array(np.array([name], dtype=object))[0], dtype=np.uint64)
    for part in block.space.columns():
        codes = part.codes if block.standing is None else part.codes[block.standing]
        words = [] if part.labels is None else [str(label) for label in part.labels]
        labels = pd.util.hash_array(np.array(words, dtype=object), categorize=False)
        mixed = mixed * MIX + labels[codes]
    return mixed


def _where(have: Names, wanted: Names) -> NDArray[np.int64]:
    """Position of each wanted name among those had; -1 where it is unknown or not unique."""
    if len(have) == len(wanted) and bool(np.array_equal(have, wanted)):
        return np.arange(len(wanted))
    known = pd.Series(np.arange(len(have)), index=have)
    known = known[~known.index.duplicated(keep=False)]
    return np.asarray(known.reindex(wanted).fillna(-1).to_numpy(), dtype=np.int64)


def _tail(values: NDArray[Any], length: int, missing: float) -> NDArray[Any]:
    """The last rows cut or filled to the length."""
    out = np.full(length, missing, dtype=float)
    out[: min(length, len(values))] = values[:length]
    return out
