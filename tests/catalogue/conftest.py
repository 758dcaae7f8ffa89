from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from capacity.catalogue.catalogue import Catalogue, load_catalogue
from capacity.catalogue.locate import data_folder, models_folder


@pytest.fixture(scope="session")
def cat() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[str, Callable[[str], str]], Catalogue]:
    """A catalogue with one CSV table changed as text, the rest ours."""

    def make(table: str, change: Callable[[str], str]) -> Catalogue:
        data = tmp_path / "data"
        shutil.copytree(data_folder(), data, ignore=shutil.ignore_patterns("scenarios"))
        path = data / f"{table}.csv"
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
        return Catalogue(data, models_folder())

    return make
