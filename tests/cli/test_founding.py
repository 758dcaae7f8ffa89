"""`capacity study founding`: one argument by name, as text and as JSON, and a name that is none."""

import json

from typer.testing import CliRunner

from capacity.cli.app import app


def run(*arguments):
    return CliRunner().invoke(app, ["study", "founding", *arguments])


def test_one_by_name_as_json():
    done = run("sweep", "--json", "--quiet")
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.output)
    assert told["name"] == "sweep"
    assert told["parts"]
    assert told["inputs"]


def test_one_by_name_in_words_with_a_page(tmp_path):
    done = run("sweep", "--quiet", "--report", str(tmp_path / "page.html"))
    assert done.exit_code == 0, done.output
    for words in ("memory grows faster than its bandwidth", "V100"):
        assert words in done.output
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_name_that_is_none():
    done = run("streeming")
    assert done.exit_code == 2
    assert "did you mean `streaming`" in done.output
