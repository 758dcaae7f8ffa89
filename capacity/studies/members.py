"""Members of a study: how lists of values become scenarios to solve (grid, zip, one at a time, samples)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capacity.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Vary:
    """One key and the values it takes, as written: `1.2`, `x0.8`, `+5 MW`, `low`."""

    path: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Member:
    """One question of a study: what it sets, by varied key, as written. An empty one is the base itself."""

    number: int
    values: Mapping[str, str]

    @property
    def label(self) -> str:
        """`money.discount_rate=7%, ...`, or `base`."""
        return ", ".join(f"{k}={v}" for k, v in self.values.items()) or "base"


def told_label(label: str) -> str:
    """A label to read: numbers with more than four digits after the point, such as drawn ones, to four digits."""
    return re.sub(r"\d+\.\d{5,}", lambda found: f"{float(found[0]):.4g}", label)


def read_vary(text: str) -> Vary:
    """`path=a,b,c` as given to `--vary`. Raises InputError."""
    path, equals, right = text.partition("=")
    values = split_values(right)
    if not equals or not path.strip() or not values:
        raise InputError(f"--vary {text}: write it as path=value,value, for example --vary money.discount_rate=7%,9%")
    return Vary(path.strip(), tuple(values))


def split_values(text: str) -> list[str]:
    """Values between commas; commas inside braces, brackets or quotes stay."""
    parts = re.findall(r"""(?:\{[^}]*\}|\[[^\]]*\]|"[^"]*"|'[^']*'|[^,])+""", text)
    return [part.strip() for part in parts if part.strip()]


def grid(varied: Sequence[Vary]) -> list[dict[str, str]]:
    """Every combination of the values, the last key changing fastest."""
    _refuse_twice(varied)
    return [dict(zip([v.path for v in varied], combination, strict=True))
            for combination in itertools.product(*(v.values for v in varied))]


def zipped(varied: Sequence[Vary]) -> list[dict[str, str]]:
    """First values together, second values together, ... Raises InputError when the lists differ in length."""
    _refuse_twice(varied)
    if len({len(v.values) for v in varied}) > 1:
        counts = ", ".join(f"{v.path} has {len(v.values)}" for v in varied)
        raise InputError(f"--zip takes lists of one length: {counts}")
    return [dict(zip([v.path for v in varied], together, strict=True))
            for together in zip(*(v.values for v in varied), strict=True)]


def one_at_a_time(varied: Sequence[Vary]) -> list[dict[str, str]]:
    """Each value of each key alone, all else as in the base."""
    _refuse_twice(varied)
    return [{v.path: value} for v in varied for value in v.values]


def unit_samples(method: str, count: int, inputs: int, seed: int) -> Floats:
    """Points in the unit cube, shape (count, inputs): `latin_hypercube`, `sobol` (scrambled) or `random`."""
    from scipy.stats import qmc

    if method == "latin_hypercube":
        return np.asarray(qmc.LatinHypercube(d=inputs, rng=seed).random(count))
    if method == "sobol":
        power = int(np.ceil(np.log2(max(count, 1))))
        return np.asarray(qmc.Sobol(d=inputs, rng=seed).random_base2(power))[:count]
    return np.random.default_rng(seed).random((count, inputs))


def numbered(values: Iterable[Mapping[str, str]], with_base: bool = True) -> list[Member]:
    """Members in order, the base first, the same question once only."""
    wanted = [dict(v) for v in values]
    listed = [{}, *wanted] if with_base else wanted
    unique = {tuple(sorted(v.items())): v for v in reversed(listed)}
    kept = [v for v in listed if unique.pop(tuple(sorted(v.items())), None) is not None]
    return [Member(number, v) for number, v in enumerate(kept)]


def _refuse_twice(varied: Sequence[Vary]) -> None:
    paths = [v.path for v in varied]
    twice = next((p for p in paths if paths.count(p) > 1), None)
    if twice:
        raise InputError(f"{twice} is varied twice; give its values in one list")
