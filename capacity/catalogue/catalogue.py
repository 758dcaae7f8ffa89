"""The catalogue: every table and card, read when first asked, checked when read, each number with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from capacity.catalogue import archetypes
from capacity.catalogue.cards import Accelerator, Host, ModelCard, Region, Site
from capacity.catalogue.locate import data_folder, models_folder
from capacity.catalogue.modelcards import merge_cards, model_card, read_cards
from capacity.catalogue.schema import TableSchema, read_schema, suggestion
from capacity.catalogue.tables import RawTable, check_references, overlay, read_csv, typed
from capacity.errors import InputError

Card = TypeVar("Card")
Known = TypeVar("Known", bound=Accelerator | ModelCard)
LEVELS = ("low", "mid", "high")


class Catalogue:
    """Tables, accelerators, AI models, sites and regions, ours with the user's laid over them.

    Nothing is read before it is asked for; what was read is kept; tables are handed out as copies. Every method raises
    InputError for a name that does not exist (with the nearest one that does) and for a table that is not valid.
    """

    def __init__(self, data: Path, models: Path, overlays: Sequence[Path] = ()) -> None:
        self._data, self._models, self._overlays = data, models, tuple(overlays)
        self._names = sorted(path.stem for path in (data / "schema").glob("*.yaml"))
        self._schemas: dict[str, TableSchema] = {}
        self._raw: dict[str, RawTable] = {}
        self._checked: dict[str, pd.DataFrame] = {}
        self._rows: dict[str, dict[str, pd.Series]] = {}
        self._prices: dict[str, dict[tuple[str, int], float]] = {}
        self._model_cards: dict[str, ModelCard] | None = None
        self._accelerators: dict[str, Accelerator] | None = None
        for folder in self._overlays:
            _check_overlay(folder, self.tables())

    def tables(self) -> list[str]:
        """Names of the tables, sorted."""
        return list(self._names)

    def schema(self, name: str) -> TableSchema:
        """What a table holds: key, columns, units, ranges."""
        if name not in self._names:
            raise InputError(f"no table `{name}` in the catalogue; tables: {', '.join(self._names)}"
                             f"{suggestion(name, self._names)}")
        if name not in self._schemas:
            self._schemas[name] = read_schema(self._data / "schema" / f"{name}.yaml")
        return self._schemas[name]

    def _read(self, name: str) -> RawTable:
        if name not in self._raw:
            schema = self.schema(name)
            raw = read_csv(self._data / f"{name}.csv", schema)
            for folder in self._overlays:
                theirs = folder / f"{name}.csv"
                if theirs.exists():
                    raw = overlay(raw, read_csv(theirs, schema, partial=True), schema)
            self._raw[name] = raw
        return self._raw[name]

    def _table(self, name: str) -> pd.DataFrame:
        if name not in self._checked:
            schema, raw = self.schema(name), self._read(name)
            table = typed(raw, schema)
            for column in schema.columns.values():
                if column.references:
                    check_references(raw, column, self._valid(name, column.references))
            self._checked[name] = table
        return self._checked[name]

    def _valid(self, table: str, reference: str) -> list[str]:
        """Values that a reference `table.column` (or `models.id`, the cards) may take."""
        other, _, column = reference.partition(".")
        if other == "models":
            return sorted(self._cards())
        if column not in self.schema(other).columns:
            raise InputError(f"{table}.yaml: reference `{reference}` names no column")
        return [row.get(column, "") for row in self._read(other).rows]

    def table(self, name: str) -> pd.DataFrame:
        """A copy of a table: typed columns in the schema's order, the key as columns, a row for each row."""
        return self._table(name).copy()

    def validate(self) -> None:
        """Read and check everything: each table's types, ranges and references, each card."""
        for name in self.tables():
            self._table(name)
        self.models()
        self.accelerators()

    def row(self, name: str, key: str) -> pd.Series:
        """The row of a table with a single-column key, as a Series."""
        table, schema = self._table(name), self.schema(name)
        column = schema.key[0]
        if len(schema.key) != 1:
            raise InputError(f"table `{name}` has the key {', '.join(schema.key)}: one value does not name a row")
        if name not in self._rows:  # asked for hundreds of times a plan: found once, handed out as copies
            self._rows[name] = {given: table.iloc[at] for at, given in enumerate(table[column])}
        if key not in self._rows[name]:
            raise InputError(f"no {column} `{key}` in {name}.csv{suggestion(key, list(table[column]))}")
        return self._rows[name][key].copy()

    def _cards(self) -> dict[str, dict[str, Any]]:
        cards = read_cards(self._models)
        for folder in self._overlays:
            if (folder / "models").is_dir():
                cards = merge_cards(cards, read_cards(folder / "models"))
        return cards

    def models(self) -> dict[str, ModelCard]:
        """Id -> card of every AI model."""
        if self._model_cards is None:
            self._model_cards = {name: model_card(given) for name, given in self._cards().items()}
        return dict(self._model_cards)

    def model(self, name: str) -> ModelCard:
        """The card of an AI model by its id or one of its aliases (upper and lower case alike)."""
        return _find(self.models(), name, "AI model", "models/*.yaml")

    def accelerators(self) -> dict[str, Accelerator]:
        """Id -> card of every accelerator of the table, archetypes not included."""
        if self._accelerators is None:
            rows = self._table("accelerators").to_dict("records")
            hosts = self._hosts()
            self._accelerators = {str(row["id"]): _accelerator(row, hosts) for row in rows}
        return dict(self._accelerators)

    def _hosts(self) -> dict[str, Host]:
        table = self._table("fabrics")
        fabrics = dict(zip(table["id"], table["gb_s_per_dir_per_accel"], strict=True))
        return {str(row["id"]): _host(row, fabrics) for row in self._table("hosts").to_dict("records")}

    def accelerator(self, name: str) -> Accelerator:
        """The card of an accelerator by id or alias; `archetype-2030` is generated at the mid level of every trend."""
        year = archetypes.year_of(name)
        if year is not None:
            return archetypes.archetype(year, {}, self)
        return _find(self.accelerators(), name, "accelerator", "accelerators.csv")

    def site(self, name: str) -> Site:
        """A candidate place for datacenters."""
        row: dict[Any, Any] = self.row("sites", name).to_dict()
        guessed = [field for field in str(row.get("estimated_fields", "")).split(";") if field]
        return _card(Site, {**row, "id": name, "notes": dict.fromkeys(guessed, "estimate")}, "sites.csv")

    def region(self, name: str) -> Region:
        """A place where demand arises."""
        return _card(Region, {**self.row("regions", name).to_dict(), "id": name}, "regions.csv")

    def fabric(self, name: str) -> pd.Series:
        """The row of an interconnect technology (scale-up, host or scale-out)."""
        return self.row("fabrics", name)

    def constant(self, name: str, level: str = "mid") -> float:
        """A constant of `constants.csv`, in the unit that its row states."""
        row = self.row("constants", name)
        return float(row[{"low": "low", "mid": "value", "high": "high"}[_level(level)]])

    def price(self, accelerator: str, year: int, level: str = "mid") -> float:
        """Purchase price in USD of an accelerator with its server share, bought in `year`, without scale-out fabric.

        From `accelerator_prices.csv`; an archetype's follows the same rule from its own first year.
        """
        column = {"low": "price_low_usd", "mid": "price_usd", "high": "price_high_usd"}[_level(level)]
        if archetypes.year_of(accelerator) is not None:
            return archetypes.price(self.accelerator(accelerator), year, level, self)
        name, known = self.accelerator(accelerator).id, self._priced(column)
        if (name, year) not in known:
            years = [y for other, y in known if other == name]
            raise InputError(f"accelerator_prices.csv: no price of `{name}` in {year}; "
                             f"years: {min(years, default=0)} to {max(years, default=0)}")
        return known[name, year]

    def has_price(self, accelerator: str, year: int) -> bool:
        """Whether `accelerator_prices.csv` has a price of an accelerator (its id) in a year."""
        return (accelerator, year) in self._priced("price_usd")

    def _priced(self, column: str) -> dict[tuple[str, int], float]:
        """{(accelerator, year): price} of one column of `accelerator_prices.csv`."""
        if column not in self._prices:
            table = self._table("accelerator_prices")
            keys = zip(table["accelerator"].tolist(), table["year"].astype(int).tolist(), strict=True)
            self._prices[column] = dict(zip(keys, table[column].astype(float).tolist(), strict=True))
        return self._prices[column]

    def audit(self) -> pd.DataFrame:
        """Every number with its confidence: columns table, key, column, value, unit, confidence, source."""
        from capacity.catalogue.audit import audit_cards, audit_table

        parts = [audit_table(self._table(name), self.schema(name)) for name in self.tables()]
        return pd.concat([*parts, audit_cards(self.models())], ignore_index=True)


def _check_overlay(folder: Path, tables: list[str]) -> None:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of tables")
    for path in sorted(folder.iterdir()):
        if path.suffix == ".csv" and path.stem not in tables:
            raise InputError(f"{path}: no table of that name; tables: {', '.join(tables)}"
                             f"{suggestion(path.stem, tables)}")
        if path.suffix in (".yaml", ".yml"):
            raise InputError(f"{path}: model cards belong in the folder `models` of the overlay, as <id>.yaml")


def _level(level: str) -> str:
    if level not in LEVELS:
        raise InputError(f"level `{level}` is not allowed; allowed: {', '.join(LEVELS)}"
                         f"{suggestion(level, list(LEVELS))}")
    return level


def _find(cards: Mapping[str, Known], name: str, what: str, file: str) -> Known:
    if name in cards:
        return cards[name]
    wanted = name.casefold()
    known = list(cards)
    for key, card in cards.items():
        if wanted in (key.casefold(), card.name.casefold(), *(alias.casefold() for alias in card.aliases)):
            return card
        known.extend(card.aliases)
    raise InputError(f"unknown {what} `{name}` (see {file}){suggestion(name, known)}")


def _card(kind: type[Card], row: Mapping[Any, Any], file: str) -> Card:
    """A card from a row whose columns are its fields; other columns are left out."""
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name in row:
            value = row[field.name]
            absent = isinstance(value, float) and value != value
            values[field.name] = None if absent else value
        elif field.default is MISSING and field.default_factory is MISSING:
            raise InputError(f"{file}: column `{field.name}` is missing")
    return kind(**values)


def _accelerator(row: Mapping[Any, Any], hosts: Mapping[str, Host]) -> Accelerator:
    aliases = tuple(alias.strip() for alias in str(row["aliases"]).split(";") if alias.strip())
    return _card(Accelerator, {**row, "aliases": aliases, "host": hosts.get(row["host"])}, "accelerators.csv")


LANES = 16
"""Lanes of the slots whose rates `fabrics.csv` gives (`pcie4x16`)."""
MICRO = 1e-6


def _host(row: Mapping[Any, Any], fabrics: Mapping[str, float]) -> Host:
    """A host by its row; its accelerators read at the rate of its lanes or of its memory, whichever is less."""
    read = float(row["memory_gb_s"])
    if row["pcie"] and row["lanes"] == row["lanes"]:
        read = min(read, float(row["lanes"]) * float(fabrics[str(row["pcie"])]) / LANES)
    return Host(str(row["id"]), int(row["accelerators"]), read, float(row["link_latency_us"]) * MICRO,
                float(row["nvme_gb_s"]), float(row["nvme_latency_us"]) * MICRO)


@lru_cache(maxsize=1)
def _default() -> Catalogue:
    return Catalogue(data_folder(), models_folder())


def load_catalogue(overlays: Sequence[Path | str] = ()) -> Catalogue:
    """Our catalogue, with the user's folders of tables laid over it in order; ours alone is kept between calls.

    An overlay folder holds files named as our tables (`sites.csv`), with the key and any columns that differ, and
    a folder `models` of cards. Raises InputError for a folder, table or column that does not exist.
    """
    if not overlays:
        return _default()
    return Catalogue(data_folder(), models_folder(), [Path(folder) for folder in overlays])
