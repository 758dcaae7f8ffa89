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
    names = [data_folder() / "measured" / name for name in ("inferencex_aggregated.csv", "fastertransformer_gpt.csv")]
    rows = read_measurements(names, catalogue)
    assert (rows["engine_given"] == "FasterTransformer v4.0").sum() == 26
    days = rows[rows["drafted"]].groupby("day")["row"].size()
    assert set(days.index) == {"2026-01-14", "2026-02-05", "2026-02-06"}


def test_a_later_release_stands_for_one_that_a_fit_has_not_seen():
    """Where no row of the calibration names release 4.0, its figures are those of FasterTransformer, not of vLLM."""
    table = default_calibration().values
    without = Calibration.of({key: value for key, value in table.items() if key[3] != "fastertransformer4"})
    own, kin = (c.fit("ampere", "fp16", "fastertransformer4") for c in (default_calibration(), without))
    assert kin == without.fit("ampere", "fp16", "fastertransformer")
    assert kin != without.fit("ampere", "fp16")
    assert own.layer_s != kin.layer_s
