"""Findings as records for other programs, as a table, and as sentences that terminal, page and essay share."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

import pandas as pd

from capacity.studies.founding.argument import FAILS, HOLDS, IN_PART, Figure, Finding, Input, Swing
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.say import share, short, times, usd

NEAR = 10.0
"""Sentences tell of a flip within this factor of the mid; tables tell of all."""
PLURAL = {HOLDS: "hold", IN_PART: "hold in part", FAILS: "do not hold"}
SHARES = ("share", "of its large one")


def amount(value: float, unit: str) -> str:
    """A value with its unit, in a few digits: $1.2, 58 times, 12 %, 36 ms."""
    if unit == "USD":
        return usd(value)
    if unit in SHARES:
        return share(value) + unit.removeprefix("share").replace("of its", " of its")
    if unit in ("x", "x a year", "factor/year"):
        return times(value) + (" a year" if "year" in unit else "")
    if unit.startswith("USD per "):
        return usd(value) + unit.removeprefix("USD")
    if unit == "1/year":
        return share(value) + " a year"
    if unit == "of mid":
        return times(value) + " the mid"
    return short(value) if unit == "1" else f"{short(value)} {unit}"


def ranged(given: Input) -> str:
    """An input's mid and range, the unit once: 5 (3 to 7) years."""
    low, mid, high = (amount(value, given.unit) for value in (given.low, given.mid, given.high))
    tail = f" {given.unit}"
    if all(text.endswith(tail) for text in (low, mid, high)):
        return f"{mid.removesuffix(tail)} ({low.removesuffix(tail)} to {high.removesuffix(tail)}){tail}"
    return f"{mid} ({low} to {high})"


def figure(given: Figure) -> str:
    """A figure's value with its unit."""
    return amount(given.value, given.unit)


def quotes(finding: Finding, facts: Facts) -> list[str]:
    """What was said, each sentence once, in the order in which the computation asked for its numbers."""
    return list(dict.fromkeys(facts.quote(claim) for claim in finding.claims))


def flips(swing: Swing, within: float = math.inf) -> str:
    """Where a part turns; empty where all stand within a factor of 100, or of `within`, or none was looked for."""
    mid = swing.input.mid
    told = amount(mid, swing.input.unit)
    ends = [(side, amount(value, swing.input.unit)) for side, value in
            (("below", swing.flip_below), ("above", swing.flip_above))
            if value is not None and max(value / mid, mid / value) <= within]
    return " and ".join(f"{'just ' * (value == told)}{side} {value}" for side, value in ends)


def turning(swing: Swing) -> str:
    """Where a part turns, or between which values none does."""
    low, high = (amount(value, swing.input.unit) for value in swing.input.looked)
    return f"flips {flips(swing)}" if flips(swing) else f"no flip between {low} and {high}"


def sensitivity(finding: Finding) -> str:
    """One or two sentences: which inputs are estimates, and how far they must move to turn a statement."""
    if not finding.swings:
        return "It rests on the catalogue's hardware and the serving model alone; no other input has a range."
    guesses = [swing.input.words for swing in finding.swings if swing.input.confidence == "estimate"]
    told = f"Estimates in it: {_listed(guesses)}. " if guesses else "None of its inputs is an estimate of ours. "
    if finding.guesses:
        told += f"Estimates of the catalogue that it takes as they are: {_listed(list(finding.guesses))}. "
    inside = [_turning(swing) for swing in finding.swings if not swing.stands]
    beyond = [_turning(swing) for swing in finding.swings if swing.stands and flips(swing, NEAR)]
    if inside:
        told += f"Within the stated range of {_listed(inside)} a statement turns"
        return told + (f"; beyond its range so would one with {_listed(beyond)}." if beyond else ".")
    told += "No input alone turns a statement within its stated range"
    if beyond:
        return told + f"; beyond it, one would turn with {_listed(beyond)}."
    wide = all(swing.input.search == "wide" for swing in finding.swings)
    return told + (f", nor within a factor of {NEAR:g} of its mid." if wide else ".")


def _turning(swing: Swing) -> str:
    """An input's words, and in brackets where a statement turns if that was looked for and is not far out."""
    where = flips(swing, NEAR)
    return swing.input.words + (f" ({where})" if where else "")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def record(finding: Finding, facts: Facts) -> dict[str, object]:
    """A finding as JSON-ready values; what is not a finite number is None."""
    argument, outcome = finding.argument, finding.outcome
    return {
        "name": argument.name, "title": argument.title, "claim": argument.claim, "quotes": quotes(finding, facts),
        "estimates": list(finding.guesses), "verdict": outcome.verdict, "robust": finding.robust,
        "parts": [{"claim": part.claim, "found": part.found, "holds": bool(part.holds)} for part in outcome.parts],
        "reading": outcome.reading, "sensitivity": sensitivity(finding),
        "figures": [{"words": f.words, "value": _finite(f.value), "unit": f.unit, "basis": f.basis}
                    for f in outcome.figures],
        "inputs": [{
            "name": s.input.name, "words": s.input.words, "low": s.input.low, "mid": s.input.mid, "high": s.input.high,
            "unit": s.input.unit, "source": s.input.source, "confidence": s.input.confidence,
            "figure_at_low": _finite(s.low), "figure_at_high": _finite(s.high), "verdict_at_low": s.low_verdict,
            "verdict_at_high": s.high_verdict, "stands": s.stands,
            "flips_below": s.flip_below, "flips_above": s.flip_above, "looked_from": s.input.looked[0],
            "looked_to": s.input.looked[1],
        } for s in finding.swings],
        "tables": {name: json.loads(table.to_json(orient="records")) for name, table in outcome.tables.items()},
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def tally(found: Iterable[Finding]) -> str:
    """How many arguments come to which verdict: 3 hold, 1 holds in part."""
    held = [finding.outcome.verdict for finding in found]
    return ", ".join(f"{held.count(verdict)} {verdict if held.count(verdict) == 1 else many}"
                     for verdict, many in PLURAL.items() if held.count(verdict))


def summary(found: Iterable[Finding]) -> pd.DataFrame:
    """A row per argument: name, verdict, whether the inputs' ranges leave it alone, and the leading figure."""
    return pd.DataFrame([{
        "argument": finding.argument.name, "verdict": finding.outcome.verdict,
        "robust": "yes" if finding.robust else "no", "figure": figure(finding.outcome.figures[0]),
        "of": finding.outcome.figures[0].words, "claim": finding.argument.title,
    } for finding in found])
