import dataclasses

import numpy as np
import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.serving.architecture import architecture, bytes_of

from .cards import DEEPSEEK, GPT3, GPT_OSS, LLAMA70, THOUSANDFOLD


@pytest.mark.parametrize(("card", "total", "active"), [
    (GPT3, 175e9, 175e9), (LLAMA70, 70.6e9, 70.6e9), (DEEPSEEK, 671e9, 37.5e9), (GPT_OSS, 116.8e9, 5.71e9),
    (THOUSANDFOLD, 175e12, 175e12)])
def test_parameters_match_the_published_counts(card, total, active):
    arch = architecture(card)
    assert arch.total == pytest.approx(total, rel=0.01)
    assert arch.active == pytest.approx(active, rel=0.01)


@pytest.mark.parametrize(("card", "kv"), [(GPT3, 4_718_592), (LLAMA70, 327_680), (DEEPSEEK, 70_272), (GPT_OSS, 73_728)])
def test_kv_bytes_per_token_at_16_bit(card, kv):
    assert architecture(card).kv_bytes_per_token() == kv


def test_every_exact_card_of_the_catalogue_reproduces_its_published_total():
    exact = [c for c in load_catalogue().models().values() if c.params_exact and c.params_total_b]
    assert len(exact) >= 25
    off = {c.id: abs(architecture(c).total / 1e9 - c.params_total_b) for c in exact}
    allowed = {c.id: max(0.01 * c.params_total_b, last_digit(c.params_total_b)) for c in exact}
    assert {card: (off[card], allowed[card]) for card in off if off[card] > allowed[card]} == {}


def last_digit(published):
    """One unit of the last digit: small models are published as 0.35 or 1.3 billion."""
    return 10.0 ** -len(str(published).split(".")[1]) if published < 2 else 0.0


def test_a_card_that_is_not_exact_is_scaled_to_its_published_total_and_active_count():
    card = dataclasses.replace(DEEPSEEK, params_exact=False, params_total_b=700.0, params_active_b=40.0)
    arch = architecture(card)
    assert arch.total == pytest.approx(700e9)
    assert arch.active == pytest.approx(40e9)


def test_totals_that_leave_nothing_for_attention_are_refused():
    card = dataclasses.replace(DEEPSEEK, params_exact=False, params_total_b=700.0, params_active_b=21.0)
    with pytest.raises(InputError, match="deepseek-v3"):
        architecture(card)


def test_sliding_layers_keep_and_read_their_window_only():
    arch = architecture(GPT_OSS)
    assert arch.stored_tokens(np.array([100.0, 10_128.0])).tolist() == [100.0, 5128.0]


def test_sparse_attention_stores_all_and_reads_its_top_k():
    arch = architecture(dataclasses.replace(DEEPSEEK, attention_reads=2048))
    context = np.array([1000.0, 100_000.0])
    assert arch.stored_tokens(context).tolist() == [1000.0, 100_000.0]
    assert arch.attended_tokens(context).tolist() == [1000.0, 2048.0]


def test_an_unknown_precision_names_the_nearest():
    with pytest.raises(InputError, match="nearest: fp8"):
        bytes_of("fp88")


def test_a_compressed_cache_costs_core_flops_by_its_entries():
    """Half the entries of a full cache of one 512-wide head: half the FLOPs of 4 * heads * width a layer and token."""
    layers, heads, width = 60, 128, 512
    card = dataclasses.replace(LLAMA70, layers=layers, heads=heads, kv_heads=1, head_dim=width, attention="compressed",
                               kv_bytes_per_token=layers * width * 2 / 2, attention_reads=4096)
    arch = architecture(card)
    assert arch.decode_core == pytest.approx(layers * 4 * heads * width / 2)
    assert not arch.indexed
    assert arch.kv_bytes_per_token() == pytest.approx(layers * width)


def test_every_card_with_a_published_total_has_it_and_its_active_count():
    """Totals within 1 % or the last digit; active counts within 2 % or their last digit, embeddings counted or not."""
    cards = [c for c in load_catalogue().models().values() if c.params_total_b]
    assert len(cards) >= 45
    off = {}
    for card in cards:
        arch = architecture(card)
        total, active = abs(arch.total / 1e9 - card.params_total_b), card.params_active_b or card.params_total_b
        counted = min(abs(count / 1e9 - active) for count in (arch.active, arch.active - arch.embedding))
        whole = 0.5 if active == int(active) else 0.0
        if total > max(0.01 * card.params_total_b, last_digit(card.params_total_b)):
            off[card.id] = ("total", total)
        if counted > max(0.02 * active, whole, last_digit(active)):
            off[card.id] = ("active", counted)
    assert off == {}


PUBLISHED_KV = {
    "deepseek-v3": 70_272, "llama3.1-405b": 516_096,  # arXiv 2505.09343, table 1: 70.272 and 516.096 KB a token
    "llama3.1-70b": 327_680, "qwen3-32b": 262_144, "llama2-7b": 524_288, "llama3.1-8b": 131_072,
    "llama2-13b": 819_200,  # vLLM, arXiv 2309.06180: 800 KB a token of a model of this width and depth (OPT-13B)
    "gpt3-davinci": 4_718_592, "gpt3x1000-dense": 322_961_408, "gpt3x1000-dense-gqa": 40_370_176,
}


@pytest.mark.parametrize(("model", "kv"), PUBLISHED_KV.items())
def test_kv_of_a_token_is_the_published_one(model, kv):
    assert architecture(load_catalogue().model(model)).kv_bytes_per_token() == kv


def test_kv_of_every_card_is_what_its_heads_or_its_latents_keep():
    for card in load_catalogue().models().values():
        latent = card.kv_lora_rank + card.qk_rope_dim
        heads = 2 * card.kv_heads * card.head_dim
        by_shape = 2.0 * card.layers * (latent if card.attention == "mla" else heads)
        stated = card.kv_bytes_per_token or by_shape
        assert architecture(card).kv_bytes_per_token() == pytest.approx(stated), card.id
        assert architecture(card).kv_bytes_per_token("fp8") == pytest.approx(stated / 2), card.id
        assert stated <= by_shape, card.id
