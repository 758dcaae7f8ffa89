import pandas as pd
import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.serving.measured import Names, engine_family, metric_of, precision, read_measurements

ROW = {"source": "", "model": "meta-llama/Llama-3.1-70B", "gpu": "H200-SXM-141GB", "n_gpus": 4, "tp": 4, "pp": 1,
       "ep": 1, "precision_weights": "fp8", "precision_kv": "fp8", "batch": 16, "input_len": 1000, "output_len": 500,
       "metric": "tpot_ms", "value": 12.0, "engine": "vllm 0.12", "notes": ""}


def read(tmp_path, *changes):
    file = tmp_path / "mine.csv"
    pd.DataFrame([{**ROW, **change} for change in changes]).to_csv(file, index=False)
    return read_measurements([file], load_catalogue())


def test_names_as_written_become_ids(tmp_path):
    found = read(tmp_path, {}, {"model": "LLaMA v3.1 8B", "gpu": "B200-180GB"}, {"model": "someone/Llama 3.3 70B"})
    assert found["model"].tolist() == ["llama3.1-70b", "llama3.1-8b", "llama3.1-70b"]
    assert found["accelerator"].tolist() == ["h200-sxm", "b200-sxm", "h200-sxm"]
    assert found["generation"].tolist() == ["hopper", "blackwell", "hopper"]
    assert (found["reason"] == "").all()


def test_each_load_is_told_from_the_row(tmp_path):
    found = read(
        tmp_path, {}, {"engine": "FasterTransformer", "metric": "total_latency_ms"}, {"qps_offered": 4, "batch": None},
        {"qps_offered": "INF", "batch": None, "metric": "throughput_out_tok_s"},
        {"batch": None, "metric": "throughput_out_tok_s"}, {"metric": "throughput_out_tok_s"},
        {"notes": "batch-1 static"}, {"notes": "lowest memory tier used: disk"}, {"load": "open", "qps_offered": 1},
        {"model": "all_reduce", "metric": "time_us"},
    )
    assert found["load"].tolist() == ["closed", "static", "open", "maximum", "maximum", "static", "static", "offload",
                                      "open", "collective"]


def test_a_first_token_is_alone_where_hardly_any_other_prompt_is_there(tmp_path):
    """Open loop: rate x TTFT prompts wait at one time; 4 a second of 50 ms are 0.2, of 100 ms 0.4."""
    first = {"metric": "ttft_ms", "qps_offered": 4, "batch": None}
    found = read(tmp_path, {"metric": "ttft_ms"}, {"metric": "ttft_ms", "batch": 1}, {**first, "value": 50},
                 {**first, "value": 100}, {"engine": "FasterTransformer", "batch": 1})
    assert found["beside"].tolist() == ["loaded", "alone", "alone", "loaded", "alone"]


def test_what_is_left_out_follows_the_rules(tmp_path):
    found = read(
        tmp_path, {"precision_weights": "", "precision_kv": "", "tp": None},
        {"model": "nvidia/Llama-3.1-8B-Instruct-FP8", "precision_weights": "", "precision_kv": "",
         "engine": "trtllm 1.1"},
        {"input_len": "few (~5-10)"},
        {"batch": 4, "attention_dp": 4, "tp": 1, "ep": 4, "notes": "silicon_concurrency=64"},
        {"source": "InferenceX dump"},
    )
    assert found["weights"].tolist()[:2] == ["bf16", "fp8"]
    assert found["kv"].tolist()[:2] == ["bf16", "fp8"]
    assert found["tp"].tolist()[:1] == [4.0]
    assert found["input"].tolist()[2] == 7.5
    assert found["batch"].tolist()[3] == 64
    assert found["input"].tolist()[4] == pytest.approx(900)


def test_rows_that_cannot_be_asked_say_why(tmp_path):
    found = read(tmp_path, {"model": "nobody"}, {"gpu": "abacus"}, {"metric": "happiness"}, {"value": "n/a"},
                 {"batch": None}, {"input_len": ""}, {"tp": None, "n_gpus": None})
    assert [reason.split(" is ")[0].split(" are ")[0] for reason in found["reason"]] == [
        "the model", "the accelerator", "the metric", "the value", "the load", "the lengths", "the sharding"]


def test_queueing_shows_in_the_systems_own_figures(tmp_path):
    found = read(tmp_path, {"metric": "ttft_ms", "value": 9000}, {"value": 10.0},
                 {"batch": 8, "metric": "ttft_ms", "value": 100}, {"batch": 8, "value": 10.0})
    assert found["queued"].tolist() == [True, True, False, False]


def test_names_as_people_write_them():
    models, chips = Names(load_catalogue().models()), Names(load_catalogue().accelerators())
    assert models("Qwen/Qwen3-235B-A22B-Instruct-2507") == "qwen3-235b-a22b"
    assert models("meta-llama/Meta-Llama-3-70B-Instruct") == "llama3.1-70b"
    assert models("GPT-1.3B") == "gpt3-babbage"
    assert models("GPT-13B") == "gpt3-13b"
    assert models("GPT-3.5") == ""
    assert models("Qwen3-80B") == models("OPT-2.7B") == ""
    assert chips("NVIDIA H100 80GB HBM3") == "h100-sxm"
    assert chips("AMD Instinct MI355X") == "mi355x"
    assert chips("NVIDIA A100-PCIE-40GB") == "a100-pcie-40"
    assert chips("A100-80GB-PCIe") == chips("NVIDIA A100 80GB PCIe") == "a100-pcie-80"


def test_a_number_in_a_name_is_not_cut_in_two():
    """`L40` is no `L4` of something; a date after a model's version is none of its number."""
    models, chips = Names(load_catalogue().models()), Names(load_catalogue().accelerators())
    assert [chips(name) for name in ("L4", "L40", "L40S", "A10", "A10G", "A40", "A1000", "H1000")] == [
        "l4", "l40", "l40s", "a10", "a10g", "a40", "", ""]
    assert models("DeepSeek-V3-0324") == "deepseek-v3"
    assert models("DeepSeek-V3000") == ""


def test_chips_of_one_name_are_told_by_their_memory():
    chips = Names(load_catalogue().accelerators())
    assert chips("NVIDIA GH200-GraceHopper-Superchip_(144GB)") == "gh200-144"
    assert chips("NVIDIA GH200-GraceHopper-Superchip_(96GB)") == "gh200-96"
    assert chips("Tesla V100-SXM2 16GB") == "v100-sxm2-16"
    assert chips("H100 64GB") == ""


MODELS = {
    "Llama-2-70b-chat-hf": "llama2-70b", "meta-llama/Llama-2-7b-hf": "llama2-7b", "lmsys/vicuna-13b-v1.5": "llama2-13b",
    "meta-llama/Meta-Llama-3-8B-Instruct": "llama3.1-8b", "amd/Llama-3.1-70B-Instruct-FP8-KV": "llama3.1-70b",
    "nvidia/Llama-3.1-405B-Instruct-FP4": "llama3.1-405b", "Llama 4 Scout": "llama4-scout",
    "mistralai/Mixtral-8x7B-Instruct-v0.1": "mixtral-8x7b", "mistralai/Mixtral-8x22B-v0.1": "mixtral-8x22b",
    "mistralai/Mistral-7B-Instruct-v0.3": "mistral-7b", "deepseek-ai/DeepSeek-V3": "deepseek-v3",
    "deepseek-ai/DeepSeek-R1-0528": "deepseek-r1", "nvidia/DeepSeek-R1-FP4": "deepseek-r1",
    "deepseek-ai/DeepSeek-R1-Distill-Llama-70B": "llama3.1-70b", "DeepSeek-R1-Distill-Qwen-32B": "qwen2.5-32b",
    "DeepSeek-R1-Distill-Qwen-1.5B": "", "Qwen2.5-72B": "qwen2.5-72b", "Qwen/Qwen2.5-7B-Instruct": "qwen2.5-7b",
    "Qwen/Qwen3-30B-A3B-FP8": "qwen3-30b-a3b", "google/gemma-2-27b-it": "gemma2-27b", "facebook/opt-66b": "opt-66b",
    "openai/gpt-oss-20b": "gpt-oss-20b", "moonshotai/Kimi-K2-Instruct": "kimi-k2", "bigscience/bloom": "bloom-176b",
    "tiiuae/falcon-180B-chat": "falcon-180b", "GPT-3 175B": "gpt3-davinci", "gpt-neox-20b": "",
    "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8": "llama4-maverick",
}  # fmt: skip
CHIPS = {
    "NVIDIA A100-SXM4-80GB": "a100-sxm-80", "A100-SXM4-40GB": "a100-sxm-40", "NVIDIA A100 80GB PCIe": "a100-pcie-80",
    "H100-SXM": "h100-sxm", "H100 PCIe": "h100-pcie", "NVIDIA H100 NVL": "h100-nvl", "NVIDIA H200": "h200-sxm",
    "H20": "h20",
    "NVIDIA H20-3e": "", "MI300X OAM 192GB": "mi300x", "NVIDIA L4": "l4", "AWS trn2": "trainium2",
    "GH200 480GB": "gh200-96", "NVIDIA B200": "b200-sxm", "GB200 NVL72": "gb200-nvl72", "MI300X": "mi300x",
    "AMD Instinct MI325X": "mi325x", "Tesla T4": "t4", "Tesla V100-SXM2-32GB": "v100-sxm2-32",
    "V100-SXM2-16GB": "v100-sxm2-16",
    "NVIDIA GeForce RTX 4090": "rtx4090", "NVIDIA L40S": "l40s", "TPU v5e": "tpu-v5e", "Gaudi 3": "gaudi3",
    "L40S-PCIe-48GB": "l40s", "H200-NVL-141GB": "h200-nvl", "A100-PCIe-80GB": "a100-pcie-80", "NVIDIA A30": "a30",
    "RTX A6000": "rtx-a6000", "NVIDIA RTX 6000 Ada Generation": "rtx-6000-ada", "inf2": "inferentia2", "A2": "",
    "RTX PRO 6000 Blackwell Workstation Edition": "rtx-pro-6000-ws", "AMD Instinct MI250": "mi250", "Gaudi2": "gaudi2",
    "B300-SXM-270GB": "b300-sxm", "GH200-GraceHopper-Superchip_(144GB)": "gh200-144", "Quadro RTX 6000": "",
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_model_names_of_public_tables(name):
    assert Names(load_catalogue().models())(name) == MODELS[name]


@pytest.mark.parametrize("name", CHIPS)
def test_accelerator_names_of_public_tables(name):
    """A board with another memory or link than the card's is not that card."""
    assert Names(load_catalogue().accelerators())(name) == CHIPS[name]


def test_metrics_as_they_are_written():
    assert [metric_of(text) for text in ("mean_ttft_ms", "itl_ms", "e2e_ms", "throughput_total_tok_s_per_gpu",
                                         "throughput_req_s", "p99_ttft_ms", "gpu_memory_gb")] == [
        "ttft_ms", "tpot_ms", "total_latency_ms", "throughput_total_gpu", "throughput_req", "", ""]


def test_engines_and_precisions():
    assert engine_family("TensorRT-LLM v0.17") == "tensorrt"
    assert engine_family("trtllm 1.0.0rc3") == "trtllm"
    assert engine_family("SGLang 0.5.9") == "sglang"
    assert engine_family("home-made") == "*"
    assert precision("fp8_block") == "fp8"
    assert precision("NVFP4") == "fp4"
    assert precision("fp32") == ""


def test_files_that_are_no_tables_of_measurements(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_measurements([tmp_path / "none.csv"], load_catalogue())
    odd = tmp_path / "odd.csv"
    odd.write_text("model,gpu,metrics,value\n")
    with pytest.raises(InputError, match=r"column `metric` is missing.*nearest: `metrics`"):
        read_measurements([odd], load_catalogue())
    odd.write_text("")
    with pytest.raises(InputError, match="not a table"):
        read_measurements([odd], load_catalogue())
    with pytest.raises(InputError, match="no file"):
        read_measurements([], load_catalogue())


def test_rows_that_no_system_could_be_are_skipped_with_a_reason(tmp_path):
    """No fractions or nothing of an accelerator, no negative loads; `closed-loop` is as good as `closed`."""
    found = read(tmp_path, {}, {"tp": 0}, {"tp": 3.5}, {"pp": -1}, {"batch": -3},
                 {"batch": None, "load": "closed-loop"}, {"load": "Closed-Loop"}, {"load": "open", "qps": 0},
                 {"input_len": 0}, {"output_len": 0})
    shape, size = "the sharding is not in whole accelerators", "the size of the load is not stated"
    lengths = "the lengths are not stated"
    assert found["reason"].tolist() == ["", shape, shape, shape, size, size, "", size, lengths, lengths]
    assert found["load"].tolist()[5:8] == ["closed", "closed", "open"]
