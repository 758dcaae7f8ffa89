"""What-if, compare, query and the searches from the command line."""

import json

import pytest
from typer.testing import CliRunner

from capacity.cli.app import app
from tests.studies.world import write_world

run = CliRunner().invoke


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def tiny(folder):
    return write_world(folder)


@pytest.fixture(scope="module")
def study(tiny, folder):
    """A study of three members, one of them refused."""
    out = folder / "studies" / "s"
    varied = ["--vary", "accelerators.h200.price=x0.5,x1.5", "--vary", "sites.hamina.pue=0.9,1.2"]
    made = run(app, ["what-if", tiny, *varied,
                     "--one-at-a-time", "--out", str(out), "--workers", "1", "--gap", "1%"])
    assert made.exit_code == 0, made.output
    return out, made.output


def test_the_table_and_what_changed(study):
    out, text = study
    for words in ("what is set", "vs first", "cheaper", "dearer", "what changed, against the first", "at least 1",
                  "without a plan: 1 of 5", f"study: {out}"):
        assert words in text, words


def test_again_as_json_and_by_query(study, tiny):
    out, _ = study
    again = run(app, ["what-if", tiny, "--vary", "accelerators.h200.price=x0.5,x1.5", "--out", str(out), "--json",
                      "--gap", "1%", "--workers", "1"])
    rows = json.loads(again.stdout)
    assert [row["label"] for row in rows] == ["base", "accelerators.h200.price=x0.5", "accelerators.h200.price=x1.5"]
    asked = run(app, ["query", str(out), "select count(*) as n from results", "--json"])
    assert json.loads(asked.stdout) == [{"n": 3}]
    plans = sorted((out / "plans").iterdir())
    told = run(app, ["compare", str(plans[0]), str(plans[1])])
    assert told.exit_code == 0
    assert "what changed" in told.output


def test_the_page_of_a_study(study):
    out, _ = study
    done = run(app, ["report", str(out)])
    assert done.exit_code == 0, done.output
    page = (out / "report.html").read_text(encoding="utf-8")
    for words in ("Members compared", "accelerators.h200.price=x0.5", "same decisions", "cheaper",
                  "h200-sxm 100 %", "Every member builds at"):
        assert words in page, words
    assert page.count("<svg") >= 2


@pytest.mark.parametrize(("arguments", "words"), [
    (["what-if"], "nothing to vary"),
    (["what-if", "--vary", "money.discount_rate"], "path=value"),
    (["what-if", "--vary", "money.discont_rate=1"], "did you mean `discount_rate`"),
    (["what-if", "--sample", "sobbol"], "did you mean `sobol`"),
    (["what-if", "--zip", "--one-at-a-time", "--vary", "a=1"], "give one of"),
    (["what-if", "--vary", "money.it_life=3", "--vary", "money.it_life=4"], "given twice"),
    (["what-if", "human-equivalens", "--vary", "money.it_life=3"], "did you mean `human-equivalents`"),
    (["compare", "nowhere", "neither"], "no plan here"),
    (["query", "nowhere", "select 1"], "no study here"),
    (["sensitivity", "--method", "guess"], "allowed: tornado, morris, sobol"),
    (["risk", "nowhere.yaml"], "no such file"),
    (["foresight", "--ahead", "two"], "whole years"),
    (["alternatives", "--differ", "colour"], "allowed: sites, vendors, years"),
])
def test_bad_usage_is_told_in_words(arguments, words):
    done = run(app, arguments)
    assert done.exit_code == 2, done.output
    assert words in done.output
