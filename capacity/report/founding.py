"""The founding question as one HTML file: each argument with what was claimed, what is found, charts, what flips it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

import pandas as pd

from capacity.report.figures import draw
from capacity.report.files import write_whole
from capacity.report.marks import chip, table, tag
from capacity.studies.founding import Facts, Finding
from capacity.studies.founding.argument import Outcome, Swing
from capacity.studies.founding.record import amount, figure, quotes, ranged, sensitivity, tally, turning
from capacity.studies.founding.say import short

VERDICTS = {"holds": "published", "holds in part": "estimate", "does not hold": "refuted"}
"""Verdict -> class of its coloured word."""
STYLE = (
    ".chip.refuted{background:#fbe4e2;color:#8c1d18}blockquote{margin:0 0 10px;padding:2px 0 2px 14px;border-left:3px "
    "solid "
    "var(--line);color:var(--soft);max-width:80ch}section>p.reading{color:var(--ink);font-size:15px;max-width:80ch}"
    "h2 .chip{vertical-align:2px;font-weight:500}.parts td{white-space:normal}"
    ".pair{grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr))}.pair>div{max-width:620px}"
    "svg{overflow:visible}p.claim{color:var(--ink);font-weight:600;max-width:80ch}"
)


def write_findings(found: Sequence[Finding], facts: Facts, path: Path | str) -> Path:
    """Writes the page at once or not at all; returns its path. Raises InputError when it cannot."""
    return write_whole(Path(path), page(found, facts))


def page(found: Sequence[Finding], facts: Facts) -> str:
    """The whole page as text."""
    style = files("capacity.report").joinpath("style.css").read_text(encoding="utf-8") + STYLE
    title = "Does inference cost limit the impact of ever larger models?"
    head = (tag("div", "the founding question", class_="name") + tag("h1", title)
            + tag("p", f"{len(found)} argument{'s' if len(found) > 1 else ''} of a discussion of 2021, computed: "
                       f"{tally(found)}.", class_="lead"))
    links = "".join(tag("a", escape(each.argument.name), href=f"#{each.argument.name}") for each in found)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}</style></head><body>"
        + tag("header", head + tag("nav", links))
        + tag("main", _overview(found) + "".join(_section(finding, facts) for finding in found))
        + tag("footer", tag("p", "Every number comes from the catalogue, the serving model, fabrics or a solved plan."))
        + "</body></html>\n"
    )


def _overview(found: Sequence[Finding]) -> str:
    rows = [[tag("a", escape(each.argument.title), href=f"#{each.argument.name}"), _verdict(each),
             escape(each.outcome.figures[0].words), tag("b", escape(figure(each.outcome.figures[0])))]
            for each in found]
    return tag("section", tag("h2", "At a glance") + table(["argument", "verdict", "leading figure", ""], rows, left=3))


def _verdict(finding: Finding) -> str:
    verdict = finding.outcome.verdict
    return tag("span", escape(verdict), class_=f"chip {VERDICTS[verdict]}") + (
        "" if finding.robust else " <small>not over the whole range of its inputs</small>")


def _section(finding: Finding, facts: Facts) -> str:
    argument, outcome = finding.argument, finding.outcome
    words = "<br>".join(escape(f"“{quote}”") for quote in quotes(finding, facts))
    said = tag("blockquote", words) if words else ""
    parts = [[escape(part.claim), tag("b", "yes", class_="good") if part.holds else tag("b", "no", class_="bad"),
              escape(part.found)] for part in outcome.parts]
    figures = [[escape(f.words), tag("b", escape(figure(f))), tag("span", escape(f.basis), class_="source")]
               for f in outcome.figures]
    charts = "".join(tag("div", tag("h3", escape(chart.title)) + draw(chart)) for chart in outcome.charts)
    body = (tag("h2", f"{escape(argument.title)} {_verdict(finding)}")
            + tag("p", escape(argument.claim), class_="claim") + said
            + tag("p", escape(outcome.reading), class_="reading")
            + table(["claimed", "", "found"], parts, left=3, class_="parts")
            + (tag("div", charts, class_="pair") if charts else "")
            + tag("h3", "Figures") + table(["", "", "from"], figures, left=3) + _tables(outcome)
            + tag("h3", "What it stands on") + tag("p", escape(sensitivity(finding))) + _inputs(finding))
    return tag("section", body, id=argument.name)


def _tables(outcome: Outcome) -> str:
    """Everything computed, folded away."""
    parts = []
    for name, frame in outcome.tables.items():
        words = [pd.api.types.is_string_dtype(frame[column]) or frame[column].dtype == object
                 for column in frame.columns]
        order = [column for column, text in zip(frame.columns, words, strict=True) if text]
        order += [column for column in frame.columns if column not in order]
        rows = [[_cell(column, row[column]) for column in order] for row in frame.to_dict("records")]
        headers = [escape(str(column).replace("_", " ")) for column in order]
        parts.append(tag("details", tag("summary", f"{escape(name)} <small>{len(frame)} rows</small>")
                         + table(headers, rows, left=sum(words), class_="dense")))
    return tag("h3", "Tables") + "".join(parts) if parts else ""


def _cell(column: str, value: object) -> str:
    if isinstance(value, bool | str):
        return escape({True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else value)
    number = float(str(value))
    return str(round(number)) if column in ("year", "bought", "counted_in") and number == number else (
        "–" if number != number else "0" if number == 0 else escape(short(number)))


def _inputs(finding: Finding) -> str:
    if not finding.swings:
        return ""
    unit = finding.outcome.figures[0].unit
    rows = [_row(swing, unit) for swing in finding.swings]
    headers = ["input", "mid (low to high)", "leading figure at low and high", "a statement turns", "source"]
    return table(headers, rows, left=5)


def _row(swing: Swing, unit: str) -> list[str]:
    return [escape(swing.input.words), escape(ranged(swing.input)),
            escape(f"{amount(swing.low, unit)}, {amount(swing.high, unit)}"), escape(turning(swing)),
            tag("span", escape(swing.input.source), class_="source") + " " + chip(swing.input.confidence)]
