"""What every part of a scenario shares: strict, immutable, and numbers by year."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from capacity.scenario.units import Count

Level = Literal["low", "mid", "high"]
Year = Annotated[int, Field(ge=1990, le=2100)]
ByYear = dict[Year, Count]
"""A number by year; years between two given ones are interpolated geometrically, outside them held."""


class Part(BaseModel):
    """Base of every scenario part: immutable, and strict about key names."""

    model_config = ConfigDict(extra="forbid", frozen=True)
