"""What is known from elsewhere of published measurements whose tables leave it out: `data/campaigns.csv`.

A benchmark's repository says more than the table that it fed: which build of an engine ran on which days, in which runs
tokens were drafted ahead, what was held at which precision. What rows agree with, by source, model, engine and day, is
read as it says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.catalogue import Catalogue

FIRST, LAST = "0000", "9999"
"""Days before and after any other, as text."""


def told_apart(rows: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """What is known of each row, by its index.

    Columns: engine (as it should have been written), drafted (whether tokens were), weights (their precision; empty: as
    the row says), gpu_batches (parts of the batch that each pass of an offloading engine takes one after another), and
    staged (what it copies from memory that is not pinned: weights, kv, weights+kv or nothing).
    rows: columns source, model (id), engine_given, day (YYYY-MM-DD, or empty: it agrees with no dated campaign).
    """
    told = pd.DataFrame({"engine": rows["engine_given"], "drafted": False, "weights": "", "gpu_batches": 1.0,
                         "staged": ""}, index=rows.index)
    for known in catalogue.table("campaigns").to_dict("records"):
        meant = _agrees(rows, known)
        for column in ("engine", "weights", "gpu_batches", "staged"):
            if known[column] and pd.notna(known[column]):
                told.loc[meant, column] = known[column]
        told["drafted"] |= meant & known["drafted"]
    return told


def _agrees(rows: pd.DataFrame, known: dict[Any, Any]) -> NDArray[np.bool_]:
    """True where a row is of a campaign."""
    held = np.ones(len(rows), dtype=bool)
    for column, part in (("source", known["source_has"]), ("engine_given", known["engine_has"])):
        held &= rows[column].str.contains(part, case=False, regex=False).to_numpy(dtype=bool)
    if known["models"]:
        held &= rows["model"].isin(known["models"].split(";")).to_numpy()
    if known["first_day"] or known["last_day"]:
        first, last = known["first_day"] or FIRST, known["last_day"] or LAST
        held &= ((rows["day"] != "") & (rows["day"] >= first) & (rows["day"] <= last)).to_numpy()
    return held
