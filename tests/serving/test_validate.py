import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from capacity.catalogue import load_catalogue
from capacity.catalogue.locate import data_folder
from capacity.cli.app import app
from capacity.errors import InputError
from capacity.serving.calibrate import evidence, fit, fit_links, fixed_values, priors_of
from capacity.serving.calibration import Calibration, default_calibration
from capacity.serving.leaveout import INSIDE, LeftOut, half_widths, leave_out, once
from capacity.serving.measured import NEEDED, read_measurements
from capacity.serving.predict import cases, predict_case
from capacity.serving.refit import COLUMNS, SCORES, errors_of, refit
from capacity.serving.trust import BEGIN, END, markdown, with_errors
from capacity.serving.validate import predict, scores, skipped, summary, worst

from .test_measured import ROW, read

SMALL = ("kipply_ft_13b.csv", "trtllm_v0.5_performance.csv")


@pytest.fixture(scope="module")
def shipped():
    files = [data_folder() / "measured" / name for name in (*SMALL, "trtllm_v0.14_online_serving.csv")]
    rows = read_measurements(files, load_catalogue())
    return predict(rows, load_catalogue(), default_calibration())


def one(tmp_path, *changes):
    return predict(read(tmp_path, *changes), load_catalogue(), default_calibration())


def test_a_static_batch_adds_up(tmp_path):
    """total = first token + (O - 1) steps, and tokens per second = B O / total."""
    static = {"notes": "static batch", "output_len": 101}
    total, ttft, tpot, rate, gpu = one(
        tmp_path, {**static, "metric": "total_latency_ms"}, {**static, "metric": "ttft_ms"}, static,
        {**static, "metric": "throughput_out_tok_s"}, {**static, "metric": "throughput_out_tok_s_gpu"},
    )["predicted"]
    assert total == pytest.approx(ttft + 100 * tpot)
    assert rate == pytest.approx(16 * 101 / total * 1000)
    assert gpu == pytest.approx(rate / 4)


def test_a_pipeline_takes_a_static_batch_in_parts(tmp_path):
    """Stages work on other parts at once: a large batch over two stages is far from twice one stage's time."""
    static = {"notes": "static batch", "output_len": 1, "metric": "total_latency_ms", "input_len": 2048}
    rows = [{**static, "batch": b, "tp": 2, "pp": pp, "n_gpus": 2 * pp} for b in (1, 64) for pp in (1, 2)]
    alone, piped, many, many_piped = one(tmp_path, *rows)["predicted"]
    assert piped >= alone
    assert many_piped < 0.65 * many


def test_attention_dp_servers_gather_prompts_and_plans_do_not_know_it(tmp_path):
    table = dict(default_calibration().values)
    longer = Calibration.of({**table, **{key: 2 * v for key, v in table.items() if key[0] == "gather_steps"}})
    rows = read(tmp_path, {"metric": "ttft_ms"}, {"metric": "ttft_ms", "tp": 1, "attention_dp": 4})
    before, after = (predict(rows, load_catalogue(), c)["predicted"] for c in (default_calibration(), longer))
    assert after[0] == before[0]
    assert after[1] > before[1]


def test_a_split_whose_errors_others_did_not_show_does_not_widen_its_own_interval():
    n = 10
    seen = pd.DataFrame({"metric": "tpot_ms", "value": 1.0, "predicted": np.exp(np.linspace(-0.1, 0.1, n)),
                         "saturated": False})
    kind, still = pd.Series("moe", index=seen.index), pd.Series(0.0, index=seen.index)
    made = {name: pd.Series(np.exp(np.linspace(-wide, wide, n))) for name, wide in (("a", 0.05), ("b", 0.9))}
    near, far = (LeftOut(name, predicted, still) for name, predicted in made.items())
    alone = half_widths([near], seen, kind)["a"]
    widths = half_widths([near, far], seen, kind)
    assert (widths["b"] == alone).all()
    held = (np.log(far.predicted).abs() <= widths["a"]).sum()
    assert held >= INSIDE * (n + 1)  # of n errors, so many for the next one to be held as often as asked


def test_latency_grows_with_load_and_throughput_is_bounded_by_the_maximum(tmp_path):
    closed = one(tmp_path, *({"batch": b} for b in (1, 4, 16, 64)))["predicted"].to_numpy()
    assert (np.diff(closed) > 0).all()
    rates = [{"batch": None, "qps_offered": q, "metric": "throughput_out_tok_s"} for q in (0.1, 1, 1000)]
    found = one(tmp_path, *rates, {"batch": None, "metric": "throughput_out_tok_s"})
    assert found["predicted"].iloc[0] == pytest.approx(0.1 * 500)
    assert found["saturated"].tolist() == [False, False, True, False]
    assert found["predicted"].iloc[2] < 1000 * 500


def test_the_clients_delay_is_in_ttft_only_and_not_in_static_runs(tmp_path):
    base = dict(default_calibration().values)
    slow = Calibration.of({**base, **{key: 1.0 for key in base if key[0] == "harness_s"}})
    rows = read(tmp_path, {"metric": "ttft_ms"}, {}, {"metric": "ttft_ms", "notes": "static"})
    change = predict(rows, load_catalogue(), slow)["predicted"] / one(
        tmp_path, {"metric": "ttft_ms"}, {}, {"metric": "ttft_ms", "notes": "static"})["predicted"]
    assert change[0] > 1.5
    assert change[1] == pytest.approx(1, abs=0.05)
    assert change[2] == 1


def test_a_model_that_does_not_fit_is_skipped_with_a_reason(tmp_path):
    found = one(tmp_path, {"tp": 1, "n_gpus": 1, "precision_weights": "bf16", "gpu": "H100-80GB-SXM"})
    assert np.isnan(found["predicted"][0])
    assert skipped(found)["reason"].tolist() == ["the weights do not fit in memory"]


def test_offload_streams_the_weights_once_a_pass(tmp_path):
    """OPT-30B at 16 bits, 60 GB over a T4's link: no pass can be faster than the link."""
    row = {"model": "OPT-30B", "gpu": "T4-16GB", "n_gpus": 1, "tp": 1, "precision_weights": "fp16",
           "precision_kv": "fp16", "batch": 8, "input_len": 512, "output_len": 32, "engine": "FlexGen",
           "metric": "throughput_out_tok_s",
           "notes": "lowest memory tier used: CPU"}
    disk = {**row, "notes": "lowest memory tier used: disk"}
    large = {**disk, "model": "OPT-175B", "batch": 1}
    rate = one(tmp_path, row, disk, large)["predicted"]
    assert rate[0] <= 8 / (59e9 / 15.75e9)
    assert rate[1] == rate[0]  # all of it fits in 208 GB of host RAM
    assert 1 / (349e9 / 2.65e9) < rate[2] <= 1 / ((349e9 - 208e9) / 2.65e9)  # drives of 2.65 GB/s read the rest alone


def test_scores_by_hand():
    rows = pd.DataFrame({"file": "a", "metric_given": "tpot_ms", "model": "m", "value": [10.0, 10, 10, 10],
                         "predicted": [11.0, 8, 30, np.nan], "saturated": [False, False, True, False]})
    rows["error"] = rows["predicted"] / rows["value"] - 1
    table = scores(rows)
    assert table.iloc[0].tolist()[2:] == pytest.approx([4, 3, 1, 15, 15, -5, 200])
    assert summary(table)["a"]["tpot_ms"]["mape"] == 15
    assert list(scores(rows, ["model"]).columns)[:3] == ["file", "metric", "model"]
    with pytest.raises(InputError, match="nearest: `model`"):
        scores(rows, ["modell"])


def test_the_shipped_fit_on_systems_it_was_fitted_to(shipped):
    table = scores(shipped).set_index(["file", "metric"])
    assert table.loc[("trtllm_v0.14_online_serving.csv", "itl_ms"), "mape"] < 15
    assert table.loc[("trtllm_v0.5_performance.csv", "throughput_out_tok_s"), "median_ape"] < 12
    assert len(worst(shipped)) == 5


def test_a_refit_learns_links_from_collectives_and_is_repeatable(tmp_path):
    catalogue = load_catalogue()
    frame = pd.read_csv(data_folder() / "measured" / "nccl_aiconfigurator.csv")
    nccl = tmp_path / "nccl.csv"
    frame[(frame["gpu"] == "H100-80GB-SXM") & (frame["model"] == "all_reduce")].to_csv(nccl, index=False)
    rows = read_measurements([nccl, *(data_folder() / "measured" / name for name in SMALL)], catalogue)
    found, again = (refit(rows, catalogue, lambda text: None, left_out=False).table for _ in range(2))
    pd.testing.assert_frame_equal(found, again)
    assert tuple(found.columns) == COLUMNS
    assert (found["low"] <= found["value"]).all()
    assert (found["value"] <= found["high"]).all()
    alpha = found[(found["parameter"] == "link_alpha_s") & (found["fabric"] == "nvlink4")].iloc[0]
    assert alpha["value"] == pytest.approx(3.8e-6, rel=0.15)
    assert found.set_index("parameter").loc["idle_power", "rows"] == 0
    Calibration(found)


def test_leaving_a_model_out_predicts_it_without_its_rows():
    catalogue = load_catalogue()
    rows = read_measurements([data_folder() / "measured" / name for name in SMALL], catalogue)
    priors = priors_of(catalogue)
    links, none = fit_links(rows, catalogue, priors)
    assert links == {}
    assert none is None
    fixed = fixed_values(priors)
    full = fit(evidence(rows, catalogue), priors, fixed, rounds=6)
    known = {}
    left = leave_out(rows, catalogue, priors, fixed, "model", lambda text: None, known)
    assert left.predicted.notna().sum() == (rows["reason"] == "").sum()
    assert (left.spread.dropna() > 0).all()
    inside = predict(rows, catalogue, full.calibration)["predicted"]
    assert not np.allclose(left.predicted, inside, rtol=1e-3)
    assert len(known) == rows["model"].nunique()
    one = rows["model"] == "gpt3-13b"
    alone = fit(evidence(rows[~one], catalogue), priors, fixed)
    as_if_never_seen = predict(rows[one], catalogue, alone.calibration)["predicted"]
    np.testing.assert_array_equal(left.predicted[one], as_if_never_seen)


def test_the_command_prints_json_and_writes_rows(tmp_path):
    read(tmp_path, {}, {"metric": "ttft_ms", "value": 100})
    file, out = tmp_path / "mine.csv", tmp_path / "out.csv"
    run = CliRunner().invoke(app, ["serving", "validate", str(file), "--json", "--out", str(out)])
    assert run.exit_code == 0
    assert json.loads(run.stdout)["mine.csv"]["tpot_ms"]["predicted"] == 1
    assert pd.read_csv(out)["predicted"].notna().all()
    assert CliRunner().invoke(app, ["serving", "validate", str(tmp_path / "no.csv")]).exit_code == 2
    text = CliRunner().invoke(app, ["serving", "validate", str(file), "--by", "model,gpu"]).stdout
    assert "worst rows" in text
    assert "predicted 2 of 2 rows" in text
    assert CliRunner().invoke(app, ["serving", "validate", str(file), "--plot", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "serving-tpot_ms.svg").read_text().count("h0") == 1


def test_a_table_predicts_as_the_fit_it_came_from():
    """Rows left out of the table for want of evidence change no prediction."""
    catalogue = load_catalogue()
    rows = read_measurements([data_folder() / "measured" / name for name in SMALL], catalogue)
    table = Calibration(refit(rows, catalogue, lambda text: None, left_out=False).table)
    full = fit(evidence(rows, catalogue), priors_of(catalogue), fixed_values(priors_of(catalogue)))
    again, straight = (predict(rows, catalogue, c)["predicted"] for c in (table, full.calibration))
    np.testing.assert_allclose(again.dropna(), straight.dropna(), rtol=2e-3)


CELL = st.sampled_from(["", "n/a", "-3", "0", "1e400", "inf", "nan", "8", "2.5", "fp8", "\u00b5", "INF", "1,000", "tp"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_a_table_is_predicted_or_skipped_with_a_reason(data, tmp_path):
    """Any cell may be blank or nonsense, columns may be missing, added or in another order."""
    columns = [name for name in ROW if name in NEEDED or data.draw(st.booleans())]
    columns = data.draw(st.permutations([*columns, "operator"]))
    odd = data.draw(st.lists(st.tuples(st.sampled_from(columns), CELL), max_size=4))
    file = tmp_path / "odd.csv"
    pd.DataFrame([{**ROW, "operator": "me", **dict(odd)}], columns=columns).to_csv(file, index=False)
    found = predict(read_measurements([file], load_catalogue()), load_catalogue(), default_calibration())
    assert len(found) == 1
    assert np.isfinite(found["predicted"].iloc[0]) != bool(found["reason"].iloc[0])
    assert scores(found)["rows"].tolist() == [1]


def test_only_a_header_is_a_table_without_rows(tmp_path):
    file = tmp_path / "none.csv"
    file.write_text(",".join(ROW) + "\n")
    run = CliRunner().invoke(app, ["serving", "validate", str(file), "--json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout) == {}


def test_the_documents_errors_are_those_of_the_shipped_fit():
    """In-sample lines of docs/serving.md are worked out again from the shipped tables and calibration."""
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    catalogue = load_catalogue()
    rows = once(read_measurements(sorted((data_folder() / "measured").glob("*.csv")), catalogue), catalogue)
    found = errors_of(predict(rows, catalogue, default_calibration()), catalogue, [])
    now = markdown(found).split("\nBy what")[0].splitlines()[2:]
    told = [line for line in page.splitlines() if "| none |" in line]
    assert told == now
    assert {"campaign", "table", "model", "accelerator", "generation", "configuration"} <= {
        line.split("|")[3].strip() for line in page.splitlines() if line.startswith("| moe")}


def test_tables_go_between_their_marks():
    errors = pd.DataFrame([("moe", "tpot_ms", "none", 9, 10.2, 8.0, -3.0, np.nan)], columns=SCORES)
    page = with_errors(f"before\n{BEGIN}\nold\n{END}\nafter", errors, "page.md")
    assert "| moe | tpot_ms | none | 9 | 10 % | 8 % | -3 % |  |" in page
    assert "old" not in page
    assert with_errors(page, errors, "page.md") == page
    with pytest.raises(InputError, match=r"--report: page.md lacks"):
        with_errors("no marks", errors, "page.md")


def test_slopes_by_columns_are_those_of_one_parameter_at_a_time(tmp_path):
    rows = read(tmp_path, {}, {"batch": 64}, {"metric": "ttft_ms"}, {"model": "nccl_all_reduce", "metric": "time_us"})
    catalogue, table = load_catalogue(), default_calibration()
    moved = table.moved(["step_s", "kv_bandwidth"], 1e-3)
    for case in cases(rows, catalogue):
        value = predict_case(case, moved)[0]
        np.testing.assert_allclose(value[0], predict_case(case, table)[0], rtol=1e-12)
        slower = Calibration.of({key: v * (np.exp(1e-3) if key[0] == "step_s" else 1.0)
                                 for key, v in table.values.items()})
        np.testing.assert_allclose(value[1], predict_case(case, slower)[0], rtol=1e-12)
        assert (value[2] < value[0]).all()


def test_an_engine_that_unpacks_narrow_weights_gains_no_speed_by_them(tmp_path):
    static = {"notes": "static", "batch": 1, "input_len": 10, "engine": "ds-inference", "precision_kv": "fp16"}
    wide, narrow = one(tmp_path, {**static, "precision_weights": "fp16"},
                       {**static, "precision_weights": "int8"})["predicted"]
    assert narrow > wide
    current = [{**static, "engine": "vllm", "precision_weights": name} for name in ("fp16", "int8")]
    wide, narrow = one(tmp_path, *current)["predicted"]
    assert narrow < wide
