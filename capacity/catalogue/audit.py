"""Which numbers are read, which computed, which guessed: one row for every number of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from capacity.catalogue.cards import ModelCard
from capacity.catalogue.schema import TableSchema

COLUMNS = ["table", "key", "column", "value", "unit", "confidence", "source"]


def audit_table(table: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """Rows COLUMNS for each number of a table that is not part of its key.

    A column named in the row's `estimated_fields` (separated by `;`) is an estimate whatever the rest of the row is.
    """
    numbers = [n for n, c in schema.columns.items() if c.type in ("int", "float", "year") and n not in schema.key]
    key = table[list(schema.key)].astype(str).agg(" / ".join, axis=1).to_numpy()
    guessed = table.get("estimated_fields", pd.Series("", index=table.index)).str.split(";").to_numpy()
    parts = []
    for name in numbers:
        marked = np.array([name in fields for fields in guessed], dtype=bool)
        part = pd.DataFrame({
            "table": schema.name, "key": key, "column": name, "value": table[name].to_numpy(dtype=float),
            "unit": schema.columns[name].unit, "confidence": table["confidence"].mask(marked, "estimate"),
            "source": table["source"],
        })
        parts.append(part[part["value"].notna()])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def audit_cards(cards: Mapping[str, ModelCard]) -> pd.DataFrame:
    """Rows COLUMNS for each number stated in the AI model cards; zero (the part is absent) is left out."""
    rows = [
        ("models", card.id, name, float(value), "", "estimate" if name in card.estimated_fields else card.confidence,
         card.source)
        for card in cards.values()
        for name, value in asdict(card).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def summary(audit: pd.DataFrame) -> pd.DataFrame:
    """Numbers by table and confidence: columns table, published, derived, estimate, estimate_share."""
    counts = pd.crosstab(audit["table"], audit["confidence"])
    counts = counts.reindex(columns=["published", "derived", "estimate"], fill_value=0)
    counts["estimate_share"] = counts["estimate"] / counts.sum(axis=1)
    return counts.reset_index().rename_axis(columns=None)
