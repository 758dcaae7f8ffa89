"""What is known from elsewhere of published measurements whose tables leave it out: `data/campaigns.csv`.

A benchmark's repository says more than the table that it fed: which build of an engine ran on which days, and in which
runs tokens were drafted ahead. What rows agree with, by source, model, engine and day, is read as it says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.catalogue import Catalogue

FIRST, LAST = "0000", "9999"
"""Days before and after any other, as text."""


def told_apart(rows: pd.DataFrame, catalogue: Catalogue) -> tuple[pd.Series, pd.Series]:
    """(engine of each row as it should have been written, whether its tokens were drafted).

    rows: columns source, model (id), engine_given, day (YYYY-MM-DD, or empty: it agrees with no dated campaign).
    """
    engine, drafted = rows["engine_given"], pd.Series(False, index=rows.index)
    for known in catalogue.table("campaigns").to_dict("records"):
        meant = _agrees(rows, known)
        if known["engine"]:
            engine = engine.where(~meant, known["engine"])
        if known["drafted"]:
            drafted |= meant
    return engine, drafted


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
