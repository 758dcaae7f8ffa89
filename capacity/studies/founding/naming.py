"""Names as a reader says them for the catalogue's ids in what is told of a finding; its tables keep the ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from capacity.studies.founding.argument import Chart, Finding, Outcome
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.shapes import UNBUILT

LEFT_OUT = (f"{UNBUILT} ", "Meta-")
"""Beginnings of names that tell a reader nothing here."""
ARCHETYPE = re.compile(r"archetype-(\d{4})")
PCIE = re.compile(r"\bpcie(\d)x(\d+)\b")


def worded(finding: Finding, facts: Facts) -> Finding:
    """The finding with every id of an accelerator, AI model, fabric or region as its name, wherever it is told."""
    say = facts.keep("names", lambda: _speaker(_names(facts)))
    swings = tuple(replace(swing, input=replace(swing.input, words=say(swing.input.words))) for swing in finding.swings)
    return replace(finding, outcome=_outcome(finding.outcome, say), swings=swings,
                   guesses=tuple(map(say, finding.guesses)))


def _outcome(outcome: Outcome, say: Callable[[str], str]) -> Outcome:
    return replace(
        outcome, reading=say(outcome.reading),
        parts=tuple(replace(part, claim=say(part.claim), found=say(part.found)) for part in outcome.parts),
        figures=tuple(replace(figure, words=say(figure.words)) for figure in outcome.figures),
        charts=tuple(_chart(chart, say) for chart in outcome.charts))


def _chart(chart: Chart, say: Callable[[str], str]) -> Chart:
    def told(labels: pd.Index) -> pd.Index:
        return labels.map(lambda label: say(label) if isinstance(label, str) else label)
    data = chart.data.copy()
    data.index, data.columns = told(data.index).rename(data.index.name), told(data.columns)
    return replace(chart, title=say(chart.title), data=data)


def _speaker(names: dict[str, str]) -> Callable[[str], str]:
    """Puts names for ids in a text; an id within a file's name or a longer word stays."""
    ids = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w/.-])({ids})(?![\w/-]|\.\w)")

    def say(text: str) -> str:
        text = pattern.sub(lambda found: names[found[0]], text)
        return PCIE.sub(r"PCIe \1 x\2", ARCHETYPE.sub(r"archetype of \1", text))
    return say


def _names(facts: Facts) -> dict[str, str]:
    cat = facts.catalogue
    regions = cat.table("regions")
    return {
        **{name: _short(name, card.name) for name, card in cat.models().items()},
        **{name: _short(name, card.name) for name, card in cat.accelerators().items()},
        **dict(zip(regions["id"].astype(str), regions["name"].astype(str), strict=True)),
    }


def _short(own: str, name: str) -> str:
    """A name without what it adds in brackets, unless that is what it is called by: GPT-3 350M (ada)."""
    bare, _, inside = name.partition(" (")
    called = [word for word in re.findall(r"\w+", inside) if word in own.split("-")]
    for lead in LEFT_OUT:
        bare = bare.removeprefix(lead)
    return f"{bare} ({called[-1]})" if called else bare
