"""The founding question as an essay in Markdown, written from the findings, so that no number in it can drift."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from capacity.report.figures import draw, standalone
from capacity.report.files import write_whole
from capacity.studies.founding import Facts, Finding
from capacity.studies.founding.record import figure, quotes, sensitivity
from capacity.studies.founding.say import times

NAME = "founding-question"
WIDTH = 118
TITLE = "Does inference cost limit the impact of ever larger models?"

THEMES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("What a word costs", "The quarrel began with a price. Six cents bought 750 words, and the author multiplied; a "
     "commenter started from the other end, the rent of raw operations, and met him a factor of 250 lower. Both did "
     "their sums from the prices they had. What they lacked was the middle: what a machine achieves of its peak, and "
     "how many readers share it.", ("ladder", "words", "competition", "price")),
    ("What fits where", "A model must first be somewhere. The post says hundreds of accelerators for one copy, and "
     "doubts that a thousandfold model finds room at all; the thread answers with streaming: keep the weights outside "
     "and pull them through layer by layer.", ("sweep", "fit", "largest", "streaming")),
    ("How fast it can think", "When the streaming was settled the author fell back on a second line: not cost but "
     "latency. Here the thread was at its best, down to an aside on why ants are not deep.",
     ("pipelining", "speed", "brains")),
    ("Less for the same work, and more for better work", "Then there are the ways around. Experts, distillation and "
     "fewer bits make inference cheaper; longer contexts and many samples make it dearer. The author was unsure how "
     "these balance out.", ("experts", "distillation", "context")),
    ("How many", "To transform the economy, the post holds, copies should outnumber people. So count them: what the "
     "world's machines could run if they ran nothing else, what gamers could add, what is there on the day that a "
     "model is done, and what it takes to reach eight billion.",
     ("operations", "consumer", "overhang", "doubling", "eight-billion")),
    ("The race", "Everything above holds a year still. What decides is motion: machines and methods get cheaper, and "
     "models grow.", ("race", "share")),
)


def write_essay(found: Sequence[Finding], facts: Facts, folder: Path | str) -> Path:
    """Writes `founding-question.md` and a folder of its charts; returns the essay's path. Raises InputError."""
    folder = Path(folder)
    for name, picture in pictures(found).items():
        write_whole(folder / NAME / name, picture)
    return write_whole(folder / f"{NAME}.md", essay(found, facts))


def pictures(found: Sequence[Finding]) -> dict[str, str]:
    """File name -> SVG of every chart."""
    return {_file(finding, number): standalone(draw(chart))
            for finding in found for number, chart in enumerate(finding.outcome.charts)}


def _file(finding: Finding, number: int) -> str:
    return f"{finding.argument.name}{f'-{number + 1}' if number else ''}.svg"


def essay(found: Sequence[Finding], facts: Facts) -> str:
    """The whole text. Needs all arguments."""
    by = {finding.argument.name: finding for finding in found}
    parts = [f"# {TITLE}", *map(_filled, _opening(by))]
    for title, lead, names in THEMES:
        parts += [f"## {title}", _filled(lead)]
        for name in names:
            parts += _argument(by[name], facts)
    parts += ["## So, does it?", *map(_filled, _closing(by)), "---", _filled(
        "Written by `capacity study founding --out docs`; every number is computed from the catalogue (`data/`, "
        "`models/`), the serving model, fabrics and solved plans. `capacity study founding NAME` prints one argument "
        "with all its inputs.")]
    return "\n\n".join(parts) + "\n"


def _argument(finding: Finding, facts: Facts) -> list[str]:
    argument, outcome = finding.argument, finding.outcome
    verdict = f"**It {outcome.verdict}.**" if outcome.verdict != "does not hold" else "**It does not hold.**"
    rows = "\n".join(f"| {part.claim} | {'yes' if part.holds else 'no'} | {part.found} |" for part in outcome.parts)
    charts = [f"![{chart.title}]({NAME}/{_file(finding, number)})\n*{chart.title}*"
              for number, chart in enumerate(outcome.charts)]
    said = [_filled(f"“{quote}”", "> ") for quote in quotes(finding, facts)[:2]]
    return [f"### {argument.title}", *("\n>\n".join(said),) * bool(said), _filled(f"{argument.claim} {verdict}"),
            _filled(outcome.reading), *charts, f"| claimed | | found |\n|---|---|---|\n{rows}",
            _filled(sensitivity(finding))]


def _filled(text: str, lead: str = "") -> str:
    return textwrap.fill(text, WIDTH, initial_indent=lead, subsequent_indent=lead, break_long_words=False,
                         break_on_hyphens=False)


def _told(by: Mapping[str, Finding], name: str, at: int = 0) -> str:
    return figure(by[name].outcome.figures[at])


def _opening(by: Mapping[str, Finding]) -> list[str]:
    held = [finding.outcome.verdict for finding in by.values()]
    firm, no = sum(finding.robust for finding in by.values()), held.count("does not hold")
    return [
        "In October 2021 a short post on LessWrong made a point that sounds dull and is not: running a trained model "
        "costs money, every time, and if the first model as able as a human is a thousand times GPT-3, then eight "
        "billion copies of it need machines that nobody has built. Twenty-eight comments argued with numbers, which is "
        "rarer than it should be. Numbers can be checked.",
        f"Here are {len(by)} of those arguments as computations. Each is broken into statements that can be true or "
        f"false; each verdict follows from its statements and from nothing else. {held.count('holds')} hold, "
        f"{held.count('holds in part')} hold in part and {no or 'none'} {'does' if no == 1 else 'do'} not. In {firm} "
        "of them every statement stands over the whole stated range of every input. Where a number is a guess it is "
        "called an estimate, and the text says how far it would have to move to turn a statement.",
    ]


def _closing(by: Mapping[str, Finding]) -> list[str]:
    price, numbers, speed = (by[name].outcome for name in ("words", "eight-billion", "speed"))
    plans, race = numbers.tables["8 billion"], by["race"].outcome.figures[0].value
    worst = plans.iloc[int(plans["short"].argmax())]
    return [
        f"As a claim about price, {'still' if price.parts[-1].holds else 'no longer'}. "
        f"The same 750 words that cost {_told(by, 'words', 1)} then cost the owner "
        f"of a current machine {_told(by, 'words', 3)}, and even a dense model a thousand times as large costs "
        f"{_told(by, 'words', 4)}, where the price times a thousand is {_told(by, 'words', 2)}. Three things make the "
        "difference: many readers sharing each pass over the weights, memory with bandwidth to match, and numbers of "
        "fewer bits.",
        f"As a claim about numbers, {'yes, for as long as it takes to build' if numbers.parts[0].holds else 'no'}. "
        "The world's stock of 2025 would run "
        f"{_told(by, 'eight-billion')} of thought on a current model if it did nothing else; for eight billion the "
        f"plan takes {_told(by, 'eight-billion', 1)} accelerators of the coming decade and "
        f"{_told(by, 'eight-billion', 2)}. Ask for {worst['definition']} rather than a stream of thought and "
        f"{_told(by, 'eight-billion', 4)} of the demand of 2036 goes unserved"
        + (f", for want of {worst['binds_in_the_end']} and not of money" if worst["binds_in_the_end"] != "nothing" else
           "") + ". What an instance is taken to be moves the answer more than which machines serve it.",
        f"As a claim about speed, {'yes' if speed.parts[0].holds else 'not as it was made'}. "
        "A model of GPT-3's size thinks at most "
        f"{_told(by, 'speed')} as fast as a human on a machine of 2026, a thousandfold one {_told(by, 'speed', 1)}; "
        f"drafting ahead makes it {_told(by, 'speed', 2)} for the first, and no budget makes it more. If larger models "
        "are what it takes, then latency is the limit that money does not move.",
        f"And the race: the cost of the frontier {'falls' if race >= 1 else 'rises'} {times(max(race, 1 / race))} a "
        "year, on central estimates of the growth of "
        "models, of hardware and of algorithms that each carry wide ranges. So the post's own edit has aged best: "
        "inference cost may turn out to be a bottleneck, it may take a while before there are many copies, and one "
        "should not forget it. What it missed is that the bottleneck is made of memory, transformers and packaging, "
        "and that it has a date.",
    ]
