"""The founding question: does inference cost limit the impact of ever larger models? One file a group of arguments.

    findings(catalogue) -> what was claimed in 2021, what the tool computes, whether it holds, and what would flip it
"""

from capacity.studies.founding.argument import (
    Argument,
    Chart,
    Figure,
    Finding,
    Input,
    Outcome,
    Part,
    find,
)
from capacity.studies.founding.arguments import ARGUMENTS, findings, named, told
from capacity.studies.founding.facts import Facts

__all__ = [
    "ARGUMENTS", "Argument", "Chart", "Facts", "Figure", "Finding", "Input", "Outcome", "Part", "find", "findings",
    "named", "told",
]
