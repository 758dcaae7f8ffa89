"""Small helpers of the readers: numbers from text, options from a variant's name, tables that every instance has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from capacity.errors import InputError, nearest

PERIOD, SLICE = 1, "always"
"""An instance of one moment has one period and one slice."""


def numbers(file: str, words: Iterable[str]) -> list[float]:
    """Every word as a number. Raises InputError naming the file and the first word that is none."""
    found = []
    for at, word in enumerate(words, start=1):
        try:
            found.append(float(word))
        except ValueError:
            raise InputError(f"{file}: word {at} is {word!r}; a number is expected there") from None
    return found


def counted(file: str, found: Sequence[float], wanted: int, what: str) -> None:
    """Raises InputError unless there are exactly as many numbers as the format asks for."""
    if len(found) != wanted:
        raise InputError(f"{file}: {what}: {wanted} numbers are expected, {len(found)} are there")


def chosen(variant: str, names: dict[str, str], what: str) -> str:
    """The meaning of a variant's name, whatever its case. Raises InputError with the nearest valid name."""
    given = variant.strip().lower()
    if given in names:
        return names[given]
    near = nearest(given, list(names))
    hint = f"; did you mean {near!r}?" if near else ""
    raise InputError(f"--variant {variant!r} is no variant of {what}; allowed: {', '.join(names)}{hint}")


def moment() -> dict[str, pd.DataFrame]:
    """Tables periods and slices of an instance without time, and the goal of least cost."""
    return {
        "periods": pd.DataFrame({"period": [PERIOD]}),
        "slices": pd.DataFrame({"slice": [SLICE], "hours": [1.0]}),
        "goals": pd.DataFrame({"order": [1], "goal": ["cost"]}),
    }


def places(sites: Sequence[str], regions: Sequence[str] = ()) -> pd.DataFrame:
    """Table places."""
    kinds = ["site"] * len(sites) + ["region"] * len(regions)
    return pd.DataFrame({"place": [*sites, *regions], "kind": kinds})
