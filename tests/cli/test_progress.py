"""What a solve says while it works: in words, in a pipe, in CI, on a narrow terminal."""

import io
import re

import pytest
from rich.console import Console

from capacity.cli import progress
from capacity.cli.progress import Live, Plain, fitting, moving, screen
from capacity.cli.steps import number, sentences, teller
from capacity.scenario import load_scenario
from capacity.solving import Progress

STEP = Progress(12.34, "cost", "searching all", 4684.21, 4653.9, 0.0065)
SERVED = Progress(3.0, "served", "better plan", -122653.2, -123920.0, 0.0103)


def test_a_step_in_words():
    assert sentences(STEP)[0] == (
        "  12.3 s  least cost: searching all plans  plan 4,684.2  none below 4,653.9  million USD  gap 0.65 %")
    assert sentences(SERVED, load_scenario("single-lab"))[0] == (
        "   3.0 s  most served: better plan  plan 122,653  none above 123,920  thousand instance-years  gap 1 %")
    assert sentences(Progress(0.0, "", "building the model")) [0] == "   0.0 s  writing the model"
    assert "looking ahead to least cost" in sentences(Progress(0.0, "shortage", "looking ahead to cost"))[0]


@pytest.mark.parametrize("step", [STEP, SERVED, Progress(100.0, "cost_and_shortage", "rounding", 1e12, 9e11, 0.1)])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_it_fits_a_narrow_terminal_and_keeps_the_gap_longest(step, width):
    told = fitting(sentences(step), width)
    assert len(told) <= width
    if width >= 60:
        assert "gap" in told or "…" in told


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "environment", "moves"), [
    (io.StringIO, {}, False), (Terminal, {}, True), (Terminal, {"TERM": "dumb"}, False),
    (Terminal, {"CI": "true"}, False), (Terminal, {"CI": "false"}, True),
])
def test_where_a_line_can_move(monkeypatch, stream, environment, moves):
    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stderr", stream())
    assert moving() is moves


def test_a_pipe_gets_plain_lines_a_step_each(capsys, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with screen(False, "reading") as shown:
        listen = teller(shown, None)
        for _ in range(50):
            listen(STEP)
        listen(Progress(13.0, "cost", "better plan", 4600.0, 4590.0, 0.002))
        listen(Progress(13.0, "cost", "better plan", 4595.0, 4590.0, 0.001))
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 3
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", err)


def test_a_long_phase_is_heard_of_again(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    plain = Plain()
    for now[0] in range(11):
        plain.show(["same step"], "same")
    assert capsys.readouterr().err.count("same step") == 3


@pytest.mark.parametrize("colour", [True, False])
def test_on_a_narrow_terminal_no_line_wraps(monkeypatch, colour):
    if colour:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=60, color_system="truecolor")
    live = Live(console, counted=True)
    with live.bar:
        live.show(sentences(SERVED), "x", lasting=True)
        live.show(sentences(STEP), "y", done=(3, 100))
        live.bar.refresh()
    written = stream.getvalue()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    assert all(len(line) <= 60 for line in re.split(r"[\r\n]", text))
    assert "3 of 100" in text
    assert bool(re.search(r"\x1b\[3[0-9]|\x1b\[38", written)) is colour


def test_silence_shows_nothing(capsys):
    with screen(True) as shown:
        teller(shown, None)(STEP)
    assert capsys.readouterr() == ("", "")


def test_what_rounding_leaves_of_zero_is_told_as_zero():
    assert [number(v) for v in (-1.4211e-14, -0.0, 0.0025, -34.269)] == ["0", "0", "0.0025", "-34.269"]
