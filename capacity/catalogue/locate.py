"""Where the shipped tables and model cards lie: inside an installed wheel, or at the top of the repository."""

from __future__ import annotations

from pathlib import Path

from capacity.errors import CapacityError


def _folder(packaged: str, in_repository: str) -> Path:
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / packaged, package.parent / in_repository):
        if candidate.is_dir():
            return candidate
    raise CapacityError(f"the installation lacks its `{in_repository}` folder: reinstall the package `capacity`")


def data_folder() -> Path:
    """The folder of our tables (`*.csv`), their `schema/` and `scenarios/`."""
    return _folder("_data", "data")


def models_folder() -> Path:
    """The folder of our AI model cards (`*.yaml`)."""
    return _folder("_models", "models")
