"""`capacity shard`: every mode end to end, what it prints, and how it refuses."""

import json

import pytest

from capacity.cli.app import app

MODEL = ("shard", "llama3.1-70b", "-a", "h100-sxm")
AGENT = ("--like", "agent", "--ttft", "3s", "--tpot", "25ms")


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "240")

    def _run(*args):
        with pytest.raises(SystemExit) as caught:
            app(list(args), prog_name="capacity")
        out, err = capsys.readouterr()
        return caught.value.code or 0, out, err

    return _run


def plans(run, *args):
    code, out, err = run(*args, "--json")
    assert code == 0, err
    return json.loads(out)


def test_all_modes_are_tried_unless_told_otherwise(run):
    assert {p["mode"] for p in plans(run, *MODEL, *AGENT)} >= {"plain", "disaggregated"}
    assert {p["mode"] for p in plans(run, *MODEL, *AGENT, "--modes", "none")} == {"plain"}
    assert {p["kv_home"] for p in plans(run, *MODEL, *AGENT, "--modes", "none")} == {"hbm"}
    small = plans(run, "shard", "llama3.1-8b", *MODEL[2:], "--context", "1k", "--tpot", "15ms", "--modes", "parts")
    assert any(p["accelerators"] < 1 for p in small)


def test_prefill_on_other_accelerators_is_priced_as_they_are(run):
    found = plans(run, *MODEL, *AGENT, "--prefill-on", "l40s")
    assert {p["prefill_on"] for p in found} == {"l40s"}
    same = plans(run, *MODEL, *AGENT, "--prefill-on", "h100-sxm")
    assert min(p["usd_per_million_tokens"] for p in found) != min(p["usd_per_million_tokens"] for p in same)


def test_a_draft_raises_throughput_and_branches_share_their_prompt(run):
    def best(*more):
        return max(p["instances_per_accelerator"] for p in plans(run, *MODEL, "--tpot", "25ms", *more))

    drafted = best("--speculate", "4", "--acceptance", "90%", "--draft", "llama3.1-8b")
    assert drafted > best() > best("--speculate", "4", "--acceptance", "5%", "--draft-cost", "30%")
    assert best() > best("--branches", "8", "--shared-prefix") > best("--branches", "8")


def test_any_precision_finds_the_best_of_each(run):
    def best(weights):
        return max(p["instances_per_accelerator"] for p in plans(run, *MODEL, "--weights", weights))

    assert best("any") == pytest.approx(max(best("bf16"), best("fp8"), best("int8")))
    assert "weights" in run(*MODEL, "--weights", "bf16,fp8", "--kv", "any", "--rows", "50")[1].split("limit")[0]


EXPLAINED = [
    (AGENT, ("decode +", "transfer", "reload", "queue")),
    (("--speculate", "3", "--acceptance", "70%", "--draft-cost", "5%"), ("draft", "beside")),
    (("--context", "2k", "--turns", "1", "--output", "300", "--fresh", "300", "--cached", "0", "--size", "1",
      "--tpot", "60s", "--ttft", "900s", "--weights", "bf16"), ("of layers from host RAM", "stall", "limit 60.00 s")),
]


@pytest.mark.parametrize(("asked", "shown"), EXPLAINED)
def test_explain_shows_where_the_time_goes_in_each_mode(run, asked, shown):
    code, out, err = run(*MODEL, *asked, "--explain", "--rows", "4")
    assert code == 0, err
    assert all(word in out for word in (*shown, "a token", "the first token")), out


REFUSED = [
    (("--modes", "stream"), "did you mean `streaming`"),
    (("--speculate", "3"), "--acceptance 70%"),
    (("--speculate", "3", "--acceptance", "70%"), "--draft MODEL, or --draft-cost"),
    (("--speculate", "3", "--acceptance", "7 MW", "--draft-cost", "5%"), "--acceptance"),
    (("--speculate", "3", "--acceptance", "70%", "--draft", "llama3.1-8c"), "llama3.1-8b"),
    (("--draft", "llama3.1-8b"), "only with --speculate"),
    (("--weights", "fp8,fp5"), "nearest: fp"),
    (("--prefill-on", "h100-sxn"), "h100-sxm"),
    (("--prefill-on", "l40s", "--modes", "none"), "--prefill-on: only with disaggregated"),
    (("--prefill-on", "t4", "--ttft", "10ms"), "no pair of pools keeps the limits"),
    (("--backend", "aiconfigurato"), "nearest: aiconfigurator"),
    (("--branches", "0"), "--branches 0"),
]


@pytest.mark.parametrize(("asked", "message"), REFUSED)
def test_what_cannot_be_asked_is_said_in_one_line(run, asked, message):
    code, out, err = run(*MODEL, *asked)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_an_overlay_of_the_calibration_counts(run, tmp_path):
    """A user who measured half of our bandwidth gets fewer instances."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "calibration.csv").write_text(
        "parameter,generation,precision,engine,fabric,value,low,high,unit,rows,source,as_of,confidence\n"
        "kv_bandwidth,hopper,*,*,*,0.1,0.1,0.1,share,1,my own,2026-08,published\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text("extends: human-equivalents\nname: mine\ncatalogue: [mine]\n", encoding="utf-8")
    ours = plans(run, *MODEL)[0]["instances_per_accelerator"]
    theirs = plans(run, *MODEL, "--scenario", str(tmp_path / "mine.yaml"))[0]["instances_per_accelerator"]
    assert theirs < 0.7 * ours


def test_an_overlay_of_the_calibration_counts_in_validation_too(run, tmp_path):
    """With a tenth of the bandwidth every token is predicted slower."""
    (tmp_path / "calibration.csv").write_text(
        "parameter,generation,precision,engine,fabric,value,low,high,unit,rows,source,as_of,confidence\n"
        "weight_bandwidth,ampere,*,*,*,0.1,0.1,0.1,share,1,my own,2026-08,published\n", encoding="utf-8")
    table = tmp_path.parent / "mine.csv"
    table.write_text(
        "source,model,gpu,n_gpus,tp,pp,ep,precision_weights,precision_kv,batch,input_len,output_len,metric,value,engine\n"
        "me,llama2-70b,a100-sxm-80,8,8,1,1,fp16,fp16,1,128,128,tpot_ms,30,vllm\n", encoding="utf-8")
    ours = json.loads(run("serving", "validate", str(table), "--json")[1])["mine.csv"]["tpot_ms"]["bias"]
    theirs = run("serving", "validate", str(table), "--overlay", str(tmp_path), "--json")[1]
    assert json.loads(theirs)["mine.csv"]["tpot_ms"]["bias"] > ours + 50
