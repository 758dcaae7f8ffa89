"""A study as one HTML file: its members against the base, and what searches found, with charts; nothing fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from capacity.errors import InputError
from capacity.plan.numbers import gap, share
from capacity.report.answers import section_of
from capacity.report.figures import draw
from capacity.report.files import write_whole
from capacity.report.marks import table, tag
from capacity.report.study_charts import MOST_ROWS, dots
from capacity.studies.answer import ANSWERS, Answer, answers_of
from capacity.studies.compare import compare_study
from capacity.studies.founding.argument import Chart
from capacity.studies.founding.say import short
from capacity.studies.members import told_label
from capacity.studies.store import STUDY, Store

Section = tuple[str, str, str]
"""Anchor, title, markup."""
STYLE = "table td.text{max-width:46ch}.pair>div{max-width:640px}svg{overflow:visible}"
SAME = "same decisions"
SAMPLED = 12
"""From so many drawn members on their spread is shown and not each of them."""


def is_study(folder: Path | str) -> bool:
    """Whether a folder holds a study or a search's answer rather than a plan."""
    return (Path(folder) / STUDY).is_file() or (Path(folder) / ANSWERS).is_dir()


def write_study(folder: Path | str, path: Path | str) -> Path:
    """Writes the page of a study's folder at once or not at all; returns its path. Raises InputError."""
    folder = Path(folder)
    if not is_study(folder):
        raise InputError(f"{folder}: no study here; `capacity what-if` and the searches write one")
    found, sections = answers_of(folder), list[Section]()
    name, about = folder.name, ""
    if (folder / STUDY).is_file():
        told = Store(folder).question()
        name, about = str(told["name"]), _about(told)
        sections = _members(folder, told)
    return write_whole(Path(path), _page(name, about, [*map(section_of, found), *sections]))


def write_answers(answers: Sequence[Answer], name: str, path: Path | str) -> Path:
    """Writes a page of answers that have no folder. Raises InputError when it cannot."""
    return write_whole(Path(path), _page(name, "", [section_of(each) for each in answers]))


def _page(name: str, about: str, sections: Sequence[Section]) -> str:
    style = files("capacity.report").joinpath("style.css").read_text(encoding="utf-8") + STYLE
    title = sections[0][1] if len(sections) == 1 else f"Study: {name}"
    links = "".join(tag("a", escape(words), href=f"#{anchor}") for anchor, words, _ in sections)
    parts = "".join(tag("section", (tag("h2", escape(words)) if len(sections) > 1 else "") + body, id=anchor)
                    for anchor, words, body in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(name)} – capacity study</title><style>{style}</style></head><body>"
        + tag("header", tag("div", escape(name), class_="name") + tag("h1", escape(title)) + tag("p", escape(about))
              + (tag("nav", links) if len(sections) > 1 else ""))
        + tag("main", parts)
        + tag("footer", tag("p", "Each plan is proven to its gap and audited. Where two plans differ by less than "
                                 "their gaps, the table says not decided."))
        + "</body></html>\n"
    )


def _about(told: dict[str, Any]) -> str:
    sets = f", with {', '.join(told['sets'])}" if told["sets"] else ""
    return (f"{told['description'] or ''} {len(told['members'])} plans of {Path(str(told['scenario'])).stem}{sets}; "
            f"each solved to a gap of {gap(told['gap'])}.").strip()


# ---- members --------------------------------------------------------------------------------------------------------


def _members(folder: Path, told: dict[str, Any]) -> list[Section]:
    rows = compare_study(folder)
    out: list[Section] = []
    numbers = rows[pd.to_numeric(rows.get("cost_musd", pd.Series(dtype=float)), errors="coerce").notna()]
    if len(numbers):
        out.append(("compared", "Members compared", _charts(numbers, told) + _table(rows) + _changes(rows)))
        out.append(("shared", "What they share", _shared(numbers)))
    else:
        out.append(("compared", "Members", tag("p", "No member has a plan.") + _changes(rows)))
    return out


def _charts(rows: pd.DataFrame, told: dict[str, Any]) -> str:
    cards = []
    for column, words in (("cost_musd", "million USD"), ("usd_per_instance_hour", "USD an instance-hour"),
                          ("instances_last", "instances served in the last year")):
        value = pd.to_numeric(rows[column], errors="coerce")
        if not value.notna().any() or (column != "cost_musd" and value.nunique() < 2):
            continue
        if told["inputs"] and len(rows) >= SAMPLED:
            spread = pd.DataFrame({words: value.sort_values().to_numpy()},
                                  index=pd.Index([(i + 0.5) / len(value) for i in range(len(value))],
                                                 name="share of the members below"))
            cards.append(tag("div", tag("h3", f"Spread over {len(rows)} members") + draw(Chart(words, words, spread))))
            continue
        wide = pd.to_numeric(rows["gap"], errors="coerce").fillna(0.0) if column == "cost_musd" else 0.0
        shown = pd.DataFrame({"member": rows["label"], "value": value, "low": value * (1 - wide)})
        first = float(value.iloc[0])
        cards.append(tag("div", dots(shown, "member", "value", words, low="low", mark=first)))
    note = (f"The line is the base; the bar of a cost reaches down by the plan's gap. At most {MOST_ROWS} rows are "
            "drawn.")
    return tag("p", note) + tag("div", "".join(cards), class_="pair")


def _table(rows: pd.DataFrame) -> str:
    planned = rows["status"].astype(str)
    base = float(pd.to_numeric(rows["cost_musd"], errors="coerce").dropna().iloc[0])
    body = [[escape(told_label(str(r["label"]))), _number(r, "cost_musd"), _against(r, base), _share(r, "short_share"),
             _number(r, "instances_last"), _number(r, "usd_per_instance_hour"), _number(r, "facility_mw"),
             _number(r, "carbon_kt"), _share(r, "gap"), escape(str(r["verdict"])),
             escape(_mix(r) or state.replace("_", " "))]
            for r, state in zip(rows.to_dict("records"), planned, strict=True)]
    headers = ["what is set", "cost<br><small>M USD</small>", "against<br>the base", "not<br>served",
               "instances<br><small>last year</small>", "USD/<br>instance-h", "MW", "CO2<br><small>kt</small>", "gap",
               "goal<br><small>against the base</small>", "accelerators<br><small>share of accelerator-years</small>"]
    return table(headers, body, class_="dense")


def _changes(rows: pd.DataFrame) -> str:
    lines = [[escape(told_label(str(r["label"]))), escape(str(r["changed"]))] for r in rows.to_dict("records")
             if r["changed"] and r["changed"] != SAME]
    same = int((rows["changed"] == SAME).sum())
    told = tag("p", f"{same} of {len(rows) - 1} take the same decisions as the base and only cost something else."
               if same else "")
    body = table(["what is set", "first against the base, or why there is no plan"], lines, left=2) if lines else ""
    return tag("h3", "What changes in the plan") + told + body


def _shared(rows: pd.DataFrame) -> str:
    """In how many members each site is used."""
    sites = rows["site_names"].fillna("").str.split(", ").explode()
    count = sites[sites != ""].value_counts()
    body = [[escape(str(site)), f"{n} of {len(rows)}", share(n / len(rows))] for site, n in count.items()]
    always = [str(site) for site, n in count.items() if n == len(rows)]
    lead = f"Every member builds at {', '.join(always)}." if always else "No site is in every plan."
    return tag("p", lead) + table(["site", "members that use it", "share"], body)


def _mix(row: dict[Any, Any]) -> str:
    """Accelerators with their share of accelerator-years."""
    told = row.get("mix")
    if told is None or pd.isna(told) or not str(told):
        return ""
    return ", ".join(f"{kind} {share(float(part))}" for kind, part in json.loads(str(told)).items())


def _value(row: dict[Any, Any], column: str) -> float:
    value = row.get(column)
    return float("nan") if value is None or pd.isna(value) else float(value)


def _number(row: dict[Any, Any], column: str) -> str:
    value = _value(row, column)
    return "" if value != value else short(value) if value else "0"


def _share(row: dict[Any, Any], column: str) -> str:
    value = _value(row, column)
    return "" if value != value else share(value) if column != "gap" else gap(value)


def _against(row: dict[Any, Any], base: float) -> str:
    value = _value(row, "cost_musd")
    return "" if value != value or not base else f"{(value / base - 1) * 100:+.1f} %"
