"""Sizes of every card of the catalogue against figures worked out or published elsewhere."""

import pytest

from capacity.catalogue import load_catalogue
from capacity.serving.architecture import architecture
from capacity.serving.memory import weight_bytes
from capacity.serving.system import GIB, Layout, system

from .cards import H100, links

KV_BYTES = {
    # 16 bits a value: 2 x layers x KV heads x width of a head x 2 bytes, by hand from the published configurations
    "bloom-176b": 4_014_080, "falcon-180b": 163_840, "gemma2-27b": 376_832, "gemma2-9b": 344_064,
    "gpt-20b": 1_081_344, "gpt-89b": 2_359_296, "gpt-j-6b": 458_752, "gpt-oss-120b": 73_728, "gpt-oss-20b": 49_152,
    "gpt3-13b": 819_200, "gpt3-ada": 98_304, "gpt3-babbage": 196_608, "gpt3-curie": 524_288,
    "gpt3-davinci": 4_718_592, "gpt3x1000-dense": 322_961_408, "gpt3x1000-dense-gqa": 40_370_176,
    "gpt3x1000-moe": 2_097_152, "llama2-13b": 819_200, "llama2-70b": 327_680, "llama2-7b": 524_288,
    "llama3.1-405b": 516_096, "llama3.1-70b": 327_680, "llama3.1-8b": 131_072, "llama3.2-3b": 114_688,
    "llama4-maverick": 196_608, "llama4-scout": 196_608, "minimax-m2.5": 253_952, "minimax-m3": 122_880,
    "mistral-7b": 131_072, "mixtral-8x22b": 229_376, "mixtral-8x7b": 131_072, "mt-nlg-530b": 8_601_600,
    "opt-13b": 819_200, "opt-175b": 4_718_592, "opt-30b": 1_376_256, "opt-6.7b": 524_288, "opt-66b": 2_359_296,
    "palm-540b": 120_832, "qwen2.5-32b": 262_144, "qwen2.5-72b": 327_680, "qwen2.5-7b": 57_344,
    "qwen3-235b-a22b": 192_512, "qwen3-30b-a3b": 98_304, "qwen3-32b": 262_144, "qwen3-8b": 147_456,
    "qwen3-coder-480b-a35b": 253_952, "switch-base-128e": 73_728, "switch-c-2048e": 245_760,
    "switch-large-128e": 196_608, "switch-xxl-64e": 786_432,
    # latents: layers x (latent + rotary width) x 2 bytes; DeepSeek-V3 publishes 70.272 KB (arXiv 2505.09343)
    "deepseek-r1": 70_272, "deepseek-v3": 70_272, "deepseek-v3.2": 70_272, "kimi-k2": 70_272, "glm-5": 89_856,
    "deepseek-v3x1000": 265_472, "frontier-10t": 115_200,
    # as their cards state, where only some layers keep a full cache or entries stand for several tokens
    "deepseek-v4-flash": 7_100, "deepseek-v4-pro": 10_100, "kimi-k3": 26_784,
}  # fmt: skip

CHECKPOINT_GIB = {"gpt-oss-120b": 60.8, "gpt-oss-20b": 12.8}
"""OpenAI's model card (arXiv 2508.10925), table 1: MXFP4 experts, the rest at 16 bits."""


@pytest.mark.parametrize("card", load_catalogue().models().values(), ids=lambda card: card.id)
def test_kv_of_a_token_of_every_card(card):
    assert card.id in KV_BYTES, "a new card needs its KV size here, worked out apart from the code"
    assert architecture(card).kv_bytes_per_token() == pytest.approx(KV_BYTES[card.id], rel=1e-9)


@pytest.mark.parametrize(("model", "size"), CHECKPOINT_GIB.items())
def test_weights_of_a_checkpoint_with_its_scales(model, size):
    held = system(load_catalogue().model(model), H100, links(H100), weights="fp4", kv="bf16")
    assert weight_bytes(held, Layout.of(1))[0] / GIB == pytest.approx(size, rel=0.01)
