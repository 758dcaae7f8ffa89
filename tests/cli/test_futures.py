"""`solve` and `frontier` on a scenario with several futures, as a user meets them."""

import json
import sys

import pytest

from capacity.cli import main
from tests.studies.test_futures import text
from tests.studies.world import write_world


@pytest.fixture
def run(capsys, monkeypatch):
    """Run `capacity WORDS`; returns (exit code, stdout, stderr)."""
    def invoke(*words):
        monkeypatch.setattr(sys, "argv", ["capacity", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return ended.value.code, told.out, told.err
    return invoke


def test_a_plan_for_each_future_and_a_page(run, tmp_path):
    scenario, folder = write_world(tmp_path / "in", text()), tmp_path / "out" / "plans"
    code, out, _ = run("solve", scenario, "--out", folder, "--gap", "0.1%", "--json")
    assert code == 0
    told = json.loads(out)
    assert [stage["goal"] for stage in told["stages"]] == ["regret", "cost_and_shortage"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Plans for 2 futures" in page
    assert "boom" in page
    for future in ("calm", "boom"):
        assert run("audit", folder / future)[0] == 0
        assert (folder / future / "report.html").is_file()
        code, out, _ = run("schedule", folder / future)
        assert code == 0
        assert "2028" in out
    code, out, _ = run("solve", scenario, "--out", folder, "--gap", "0.1%")  # again, in its place
    assert code == 0
    assert "decided before anything is known" in out
    assert "regret" in out


def test_what_it_does_not_do_is_told(run, tmp_path):
    scenario = write_world(tmp_path / "in", text())
    code, _, err = run("solve", scenario, "--out", tmp_path / "x", "--solver", "highs")
    assert code == 2
    assert "solved as a whole" in err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    code, _, err = run("solve", scenario, "--out", tmp_path / "full")
    assert code == 2
    assert "something other than plans for several futures" in err
    assert (tmp_path / "full" / "mine.txt").is_file()
    code, _, err = run("frontier", scenario)
    assert code == 2
    assert "--goals" in err
    code, _, err = run("export", scenario, "--mps", tmp_path / "a.mps")
    assert code == 2
    assert "several futures" in err


def test_a_frontier_of_goals_is_kept_and_drawn(run, tmp_path):
    scenario = write_world(tmp_path / "in", text())
    code, out, _ = run("frontier", scenario, "--goals", "regret,cost_and_shortage", "--gap", "0.1%", "--csv",
                       "--out", tmp_path / "kept", "--report", tmp_path / "page.html")
    assert code == 0
    assert out.splitlines()[0] == "regret,cost_and_shortage,gap"
    assert (tmp_path / "kept" / "answers" / "frontier.json").is_file()
    assert "cost_and_shortage against regret" in (tmp_path / "page.html").read_text(encoding="utf-8")
