"""Commands end to end, in process: what they print, and the exit code of every kind of mistake."""

import json

import pytest

from capacity.cli.app import DEBUG, app
from capacity.errors import InfeasibleError


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def _run(*args):
        with pytest.raises(SystemExit) as caught:
            app(list(args), prog_name="capacity")
        out, err = capsys.readouterr()
        return caught.value.code or 0, out, err

    return _run


def test_help_names_every_command(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(name in out for name in ("schedule", "export", "audit", "report", "catalogue", "shard", "topology"))


def test_version(run):
    assert run("--version")[1].startswith("capacity ")


USAGE = [
    (["nope"], "No such command"),
    (["schedule"], "Missing argument"),
    (["scenario", "check", "--sett", "a=b"], "--set"),
    (["shard", "llama3.1-70b"], "--accelerator"),
]


@pytest.mark.parametrize(("args", "part"), USAGE)
def test_usage_errors_exit_2(run, args, part):
    code, _, err = run(*args)
    assert code == 2
    assert part in err


WRONG = [
    (["scenario", "check", "human-equivalent"], "did you mean `human-equivalents`"),
    (["scenario", "check", "--set", "money.discont_rate=7%"], "did you mean `discount_rate`"),
    (["scenario", "check", "--set", "accelerators.h100-sxn={}"], "accelerator `h100-sxn`; did you mean `h100-sxm`"),
    (["scenario", "check", "--set", "sites.abilen={}"], "unknown site `abilen`; did you mean `abilene`"),
    (["scenario", "check", "--set", "name=../elsewhere"], "leave out slashes"),
    (["solve", "--out", "README.md/plan"], "README.md is a file"),
    (["solve", "--gap", "banana"], "--gap: 'banana'"),
    (["solve", "--resume", "no-such-run"], "no-such-run: no plan here"),
    (["solve", "single-lab", "--resume", "--out", "no-such-run"], "no-such-run: no plan here"),
    (["solve", "single-lab", "--resume", "--solver", "highs"], "leave out --solver"),
    (["scenario", "check", "--set", "regions.0=us"], "unknown region `us`"),
    (["scenario", "check", "--set", "variants.frontier-10t.model=frontier-11t"], "did you mean `frontier-10t`"),
    (["scenario", "check", "--set", "pods.fabrics=[rail-2teir]"], "did you mean `rail-2tier`"),
    (["scenario", "new", "no/such/folder/x.yaml"], "cannot be written"),
    (["catalogue", "accelerator"], "accelerators"),
    (["catalogue", "accelerators", "--where", "memory>100"], "memory_gb"),
    (["catalogue", "--overlay", "no-such-folder"], "no-such-folder"),
    (["shard", "llama3.1-70c", "-a", "h100-sxm"], "llama3.1-70b"),
    (["shard", "llama3.1-70b", "-a", "h100-sxm", "--tpot", "5 MW"], "--tpot 5 MW: '5 MW' is in MW"),
    (["shard", "llama3.1-70b", "-a", "h100-sxm", "--like", "thinkr"], "did you mean `thinker`"),
    (["shard", "gpt3-davinci", "-a", "t4", "--size", "8", "--weights", "fp16"], "gpt3-davinci on t4: "),
    (["topology", "rail-2tier"], "--size"),
    (["topology", "rail-2teir", "--size", "1k"], "rail-2tier"),
    (["topology", "rail-2tier", "--size", "big"], "does not start with a number"),
    (["schedule", "no-such-run"], "no plan here"),
    (["export", "no-such-run"], "--csv, --xlsx"),
    (["audit", "no-such-run"], "no plan here"),
    (["report", "no-such-run"], "no plan here"),
]


@pytest.mark.parametrize(("args", "part"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_bad_input_is_one_message_exit_2_and_no_traceback(run, args, part):
    code, out, err = run(*args)
    assert code == 2
    assert err.startswith("error: ")
    assert part in err
    assert "Traceback" not in out + err


def test_an_empty_table_in_an_overlay_is_refused(run, tmp_path):
    (tmp_path / "sites.csv").write_text("")
    code, _, err = run("catalogue", "sites", "--overlay", str(tmp_path))
    assert code == 2
    assert "sites.csv" in err


def test_a_scenario_with_an_overlay_of_a_broken_table_is_refused(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "accelerators.csv").write_text("id,memory_gb\nh100-sxm,many\n")
    scenario = tmp_path / "s.yaml"
    scenario.write_text("extends: human-equivalents\ncatalogue: [mine]\n")
    code, _, err = run("scenario", "check", str(scenario))
    assert code == 2
    assert "accelerators.csv" in err
    assert "memory_gb" in err


def test_the_written_template_checks(run, tmp_path):
    path = tmp_path / "first.yaml"
    assert run("scenario", "new", str(path))[0] == 0
    code, out, _ = run("scenario", "check", str(path))
    assert code == 0
    assert "first: sound" in out
    assert run("scenario", "new", str(path))[0] == 2


@pytest.mark.parametrize("name", ["human-equivalents", "gpt3-2021", "thousand-fold", "single-lab"])
def test_shipped_scenarios_agree_with_the_catalogue(run, name):
    code, out, err = run("scenario", "check", name)
    assert (code, err) == (0, "")
    assert f"{name}: sound" in out


def test_show_prints_a_scenario_that_loads_again(run, tmp_path):
    _, out, _ = run("scenario", "show", "single-lab", "--set", "years.last=2029")
    path = tmp_path / "again.yaml"
    path.write_text(out)
    assert run("scenario", "show", str(path))[1] == out
    assert "last: 2029" in out


def test_schema_and_list(run):
    assert json.loads(run("scenario", "schema")[1])["title"] == "capacity scenario"
    assert "human-equivalents" in run("scenario", "list")[1]


def test_catalogue_prints_filters_and_audits(run):
    assert "accelerators" in run("catalogue")[1]
    _, out, _ = run("catalogue", "accelerators", "--where", "vendor=Google", "--columns", "id,memory_gb")
    assert "tpu-v7" in out
    assert "h100" not in out
    rows = json.loads(run("catalogue", "accelerators", "--where", "id=h100-sxm", "--json")[1])
    assert rows[0]["memory_gb"] == 80
    assert "are estimates" in run("catalogue", "audit")[1]
    assert run("catalogue", "audit", "--csv")[1].startswith("table,key,column")


def test_columns_that_do_not_fit_are_named(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    out = run("catalogue", "accelerators")[1]
    assert "not shown:" in out
    assert "memory_gb" in out.split("not shown:")[1]


def test_shard_prints_a_frontier_and_its_options_change_it(run):
    args = ("shard", "llama3.1-70b", "-a", "h100-sxm", "--json")
    easy = json.loads(run(*args, "--tpot", "100ms", "--context", "8k")[1])
    tight = json.loads(run(*args, "--tpot", "20ms", "--context", "8k")[1])
    assert max(p["instances_per_accelerator"] for p in easy) > max(p["instances_per_accelerator"] for p in tight)
    assert all(p["tpot_s"] <= 0.1 * 1.001 for p in easy)
    dear = json.loads(run(*args, "--tpot", "100ms", "--context", "8k", "--usd-per-hour", "$10/hour")[1])
    assert all(a["usd_per_million_tokens"] > b["usd_per_million_tokens"] for a, b in zip(dear, easy, strict=True))
    assert "TPOT ms" in run(*args[:-1])[1]


def test_topology_prints_figures_of_each_size(run):
    _, out, _ = run("topology", "fat-tree-3tier", "--size", "1024", "--size", "8k")
    assert "switches" in out
    assert "8,000" in out
    assert "rail-2tier" in run("topology")[1]


def _raising(error):
    def load(*_):
        raise error

    return load


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InfeasibleError("region eu cannot be served"), 3, "error: region eu cannot be served"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ZeroDivisionError("a\nb"), 1, "internal fault: ZeroDivisionError: a b (set CAPACITY_DEBUG=1"),
    ],
)
def test_exit_codes_of_what_a_command_raises(run, monkeypatch, error, code, message):
    monkeypatch.delenv(DEBUG, raising=False)
    monkeypatch.setattr("capacity.scenario.load_scenario", _raising(error))
    got, out, err = run("scenario", "show")
    assert (got, out) == (code, "")
    assert err.startswith(message)
    assert len(err.strip().splitlines()) == 1


def test_debug_shows_the_traceback_of_a_fault(monkeypatch):
    monkeypatch.setenv(DEBUG, "1")
    monkeypatch.setattr("capacity.scenario.load_scenario", _raising(ZeroDivisionError("x")))
    with pytest.raises(ZeroDivisionError):
        app(["scenario", "show"], prog_name="capacity")


def test_a_year_is_not_grouped_by_thousands_where_some_are_missing(capsys):
    import pandas as pd

    from capacity.cli.tables import print_frame

    print_frame(pd.DataFrame({"region": ["usa", "eu"], "first_year": [2027.0, float("nan")], "mw": [2027.0, 1.0]}))
    out = capsys.readouterr().out
    assert " 2027 " in out
    assert "2,027" in out
