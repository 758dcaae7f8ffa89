"""What is known from elsewhere of measured rows, and that one measurement counts once."""

import pandas as pd
import pytest

from capacity.catalogue import load_catalogue
from capacity.catalogue.locate import data_folder
from capacity.serving.calibration import Calibration, default_calibration
from capacity.serving.leaveout import once
from capacity.serving.measured import engine_family, read_measurements
from capacity.serving.validate import predict, skipped

from .test_measured import ROW, read

MTP = {"source": "wheel (from InferenceX db dumps)", "model": "deepseek-ai/DeepSeek-R1", "engine": "trtllm 1.1.0rc2",
       "notes": "measured=2026-01-14T22:26:21Z; wip=False", "n_gpus": 8, "tp": 8}
GUIDE = {"source": "NVIDIA FasterTransformer docs/gpt_guide.md @df4a753", "engine": "FasterTransformer",
         "gpu": "A100-80GB-SXM", "n_gpus": 8, "tp": 8, "precision_weights": "fp16", "precision_kv": "fp16", "batch": 1,
         "input_len": 128, "output_len": 8, "metric": "total_latency_ms"}


def test_a_row_of_a_drafted_campaign_is_skipped_with_its_reason(tmp_path):
    """Same table, model and engine on another day, or another model on that day, is predicted."""
    found = read(tmp_path, MTP, {**MTP, "notes": "measured=2025-12-15"}, {**MTP, "model": "gpt-oss-120b"},
                 {**MTP, "source": "my own runs"}, {**MTP, "notes": ""})
    assert found["drafted"].tolist() == [True, False, False, False, False]
    out = predict(found, load_catalogue(), default_calibration())
    assert out["predicted"].notna().tolist() == [False, True, True, True, True]
    assert skipped(out)["reason"].tolist() == ["tokens were drafted, how many were accepted is not stated"]


@pytest.mark.parametrize(("engine", "drafted"), [
    ("sglang 0.5.9 + EAGLE", True), ("vllm, speculative decoding", True), ("trtllm MTP3", True), ("trtllm", False),
    ("vllm without speculative decoding", False), ("sglang non-MTP", False)])
def test_an_engine_that_says_it_drafts_is_not_predicted_as_one_that_does_not(tmp_path, engine, drafted):
    assert read(tmp_path, {"engine": engine})["drafted"].tolist() == [drafted]


def test_a_build_is_read_as_its_source_dates_it(tmp_path):
    found = read(tmp_path, {**GUIDE, "model": "GPT-175B"}, {**GUIDE, "model": "GPT-20B"},
                 {**GUIDE, "model": "GPT-175B", "engine": "Megatron-LM"})
    assert found["engine"].tolist() == ["fastertransformer4", "fastertransformer", "megatron"]
    assert found["engine_given"].tolist()[0] == "FasterTransformer v4.0"
    assert engine_family("FasterTransformer v5.0") == "fastertransformer"
    assert engine_family("TensorRT-LLM v0.17") == "tensorrt"


def test_one_measurement_under_two_models_names_counts_once(tmp_path):
    same = {"model": "deepseek-ai/DeepSeek-V3", "n_gpus": 8, "tp": 8}
    rows = read(tmp_path, same, {**same, "model": "deepseek-ai/DeepSeek-R1"}, {**same, "value": 12.1},
                {**same, "batch": 17}, {**same, "model": "nobody"}, {**same, "model": "nobody"})
    kept = once(rows, load_catalogue())
    assert kept["row"].tolist() == [2, 4, 5, 6, 7]
    assert kept.index.tolist() == [0, 1, 2, 3, 4]


def test_an_overlay_adds_what_a_user_knows_of_a_campaign(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    own = {"id": "ours", "source_has": "lab notes", "engine_has": "vllm", "drafted": "yes", "source": "us",
           "as_of": "2026-01", "confidence": "published"}
    pd.DataFrame([own]).to_csv(folder / "campaigns.csv", index=False)
    file = tmp_path / "rows.csv"
    pd.DataFrame([{**ROW, "source": "Lab Notes 7"}, ROW]).to_csv(file, index=False)
    assert read_measurements([file], load_catalogue([folder]))["drafted"].tolist() == [True, False]
    assert read_measurements([file], load_catalogue())["drafted"].tolist() == [False, False]


def test_every_campaign_is_found_in_the_shipped_tables():
    """A pattern that no row agrees with says nothing."""
    catalogue = load_catalogue()
    names = [data_folder() / "measured" / name for name in ("inferencex_aggregated.csv", "fastertransformer_gpt.csv",
                                                            "flexgen_offload_t4.csv")]
    rows = read_measurements(names, catalogue)
    assert (rows["engine_given"] == "FasterTransformer v4.0").sum() == 26
    days = rows[rows["drafted"]].groupby("day")["row"].size()
    assert set(days.index) == {"2026-01-14", "2026-02-05", "2026-02-06"}
    assert rows["gpu_batches"].value_counts().drop(1.0).to_dict() == {8.0: 1, 3.0: 1}
    assert rows["staged"].value_counts().drop("").to_dict() == {"weights": 4, "kv": 1, "weights+kv": 1}
    assert rows["gpu_batches"].notna().all()


def test_a_later_release_stands_for_one_that_a_fit_has_not_seen():
    """Where no row of the calibration names release 4.0, its figures are those of FasterTransformer, not of vLLM."""
    table = default_calibration().values
    without = Calibration.of({key: value for key, value in table.items() if key[3] != "fastertransformer4"})
    own, kin = (c.fit("ampere", "fp16", "fastertransformer4") for c in (default_calibration(), without))
    assert kin == without.fit("ampere", "fp16", "fastertransformer")
    assert kin != without.fit("ampere", "fp16")
    assert own.layer_s != kin.layer_s


FLEXGEN = {"source": "FMInference/FlexGen README.md", "gpu": "T4-16GB", "engine": "FlexGen with Compression",
           "precision_weights": "int4", "precision_kv": "int4", "batch": 144, "input_len": 512, "output_len": 32,
           "metric": "throughput_out_tok_s", "value": 1.0, "n_gpus": 1, "tp": 1,
           "notes": "lowest memory tier used: CPU"}


def test_what_an_offloading_engine_held_and_copied_is_read_from_its_scripts(tmp_path):
    found = read(tmp_path, *({**FLEXGEN, "model": name} for name in ("OPT-6.7B", "OPT-30B", "OPT-175B")),
                 {**FLEXGEN, "model": "OPT-175B", "engine": "FlexGen"},
                 {**FLEXGEN, "engine": "Hugging Face Accelerate"},
                 {**FLEXGEN, "model": "OPT-30B", "source": "mine"})
    assert found["weights"].tolist() == ["int4", "fp16", "int4", "int4", "int4", "int4"]
    assert found["kv"].unique().tolist() == ["int4"]
    assert found["gpu_batches"].tolist() == [1.0, 8.0, 3.0, 1.0, 1.0, 1.0]
    assert found["staged"].tolist() == ["", "kv", "weights+kv", "weights", "weights", ""]


def seconds(tmp_path, **changed):
    """Seconds of one FlexGen run of OPT-30B from host RAM, with what is known of it changed."""
    rows = read(tmp_path, {**FLEXGEN, "model": "OPT-30B", "source": "mine"}).assign(**changed)
    return 1.0 / float(predict(rows, load_catalogue(), default_calibration())["predicted"].iloc[0])


def test_memory_that_is_not_pinned_is_copied_at_a_share_of_the_links_rate(tmp_path):
    """Unpacked batches of 16-bit weights compute less long than they are copied, from memory of either kind."""
    wide = {"weights": "fp16", "kv": "fp16", "batch": 2.0}
    share = default_calibration().fit("turing", "fp16", "flexgen").staged_link
    pinned, staged = (seconds(tmp_path, **wide, staged=what) for what in ("", "weights+kv"))
    assert staged == pytest.approx(pinned / share)
    assert pinned < seconds(tmp_path, **wide, staged="weights") < staged


def test_weights_are_unpacked_for_every_part_of_a_batch(tmp_path):
    """Each part adds the same time, and none where the values are 16 bits wide."""
    one, two, three = (seconds(tmp_path, weights="int4", gpu_batches=parts) for parts in (40.0, 80.0, 120.0))
    assert two > one
    assert three - two == pytest.approx(two - one, rel=0.05)
    assert seconds(tmp_path, weights="fp16", gpu_batches=9.0) == seconds(tmp_path, weights="fp16")


def test_an_engine_that_waits_for_each_copy_takes_the_sum(tmp_path):
    """FlexGen reads drives and host RAM at once, Accelerate one after the other."""
    disk = {"weights": "fp16", "kv": "fp16", "batch": 2.0, "tier": "disk", "model": "gpt3-davinci"}
    fast = {key: 1.0 for key in default_calibration().values if key[0] in ("host_link", "staged_link")}
    table = Calibration.of({**default_calibration().values, **fast})
    rows = read(tmp_path, {**FLEXGEN, "model": "OPT-175B", "source": "mine"}).assign(**disk)
    both, apart = (1.0 / float(predict(rows.assign(engine=engine), load_catalogue(), table)["predicted"].iloc[0])
                   for engine in ("flexgen", "accelerate"))
    assert both < apart < 2.0 * both
