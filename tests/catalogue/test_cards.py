"""Accelerators, AI models, prices, archetypes: what the rest of the package asks the catalogue for."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.catalogue.archetypes import archetype, archetype_years
from capacity.errors import InputError

MEASURED_MODELS = {
    "BLOOM-176B": "bloom-176b", "GPT-1.3B": "gpt3-babbage", "GPT-175B": "gpt3-davinci", "GPT-20B": "gpt-20b",
    "GPT-350M": "gpt3-ada", "GPT-6.7B": "gpt3-curie", "OPT-175B": "opt-175b", "OPT-30B": "opt-30b",
    "OPT-6.7B": "opt-6.7b", "Qwen/Qwen3-235B-A22B-FP8": "qwen3-235b-a22b", "deepseek-ai/DeepSeek-R1": "deepseek-r1",
    "deepseek-ai/DeepSeek-V3": "deepseek-v3", "meta-llama/Llama-3.1-70B": "llama3.1-70b",
    "meta-llama/Llama-3.1-8B-Instruct": "llama3.1-8b", "nvidia/DeepSeek-R1-NVFP4": "deepseek-r1",
    "nvidia/DeepSeek-V3.1-NVFP4": "deepseek-v3", "nvidia/Llama-3.1-8B-Instruct-FP8": "llama3.1-8b",
    "openai/gpt-oss-120b": "gpt-oss-120b", "GPT-13B": "gpt3-13b", "LLaMA 3.1 8B": "llama3.1-8b",
    "LLaMA v3.1 70B": "llama3.1-70b", "LLaMA v3.1 8B": "llama3.1-8b", "Mistral 7B": "mistral-7b",
    "GPT-J 6B": "gpt-j-6b", "LLaMA 70B": "llama2-70b", "LLaMA 7B": "llama2-7b", "Llama 3.3 70B": "llama3.1-70b",
}
MEASURED_ACCELERATORS = {
    "A100-80GB-SXM": "a100-sxm-80", "T4-16GB": "t4", "B200-180GB": "b200-sxm", "H100-80GB-SXM": "h100-sxm",
    "H200-SXM-141GB": "h200-sxm", "A100-40GB": "a100-sxm-40", "B300": "b300-sxm", "GB200": "gb200-nvl72",
    "GB300": "gb300-nvl72", "L40S": "l40s", "RTX-PRO-6000-Blackwell-Server": "rtx-pro-6000",
    "A100-80GB-SXM DGX": "a100-sxm-80", "GH200-480GB(96GB HBM3)": "gh200-96", "GB200-192GB": "gb200-nvl72",
}
SMALLER_IS_OLDER = ["bf16_tflops", "fp8_tflops", "fp4_tflops", "memory_gb", "memory_usable_gb",
                    "memory_bandwidth_gb_s", "scale_up_gb_s", "scale_up_domain", "host_link_gb_s", "host_memory_gb",
                    "nic_gbit_s", "tdp_w", "it_power_w", "price_low_usd", "price_usd", "price_high_usd"]


@pytest.mark.parametrize(("written", "id_"), MEASURED_MODELS.items())
def test_models_by_the_names_measurements_use(cat, written, id_):
    assert cat.model(written).id == id_


@pytest.mark.parametrize(("written", "id_"), MEASURED_ACCELERATORS.items())
def test_accelerators_by_the_names_measurements_use(cat, written, id_):
    assert cat.accelerator(written).id == id_


def test_no_name_means_two_things(cat):
    for cards in (cat.accelerators(), cat.models()):
        called = [{other.casefold() for other in (card.id, *card.aliases)} for card in cards.values()]
        names = [name for own in called for name in own]
        assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)


def test_unknown_names_get_the_nearest(cat):
    with pytest.raises(InputError, match=r"unknown accelerator `h10-sxm`.*nearest: `h100-sxm`"):
        cat.accelerator("h10-sxm")
    with pytest.raises(InputError, match=r"unknown AI model `deepseek-v4-prot`.*nearest: `deepseek-v4-pro`"):
        cat.model("deepseek-v4-prot")


def test_traps_of_the_data_sheets(cat):
    assert cat.accelerator("h100-sxm").bf16_tflops == 989  # dense, not the sparse 1979
    assert cat.accelerator("h100-sxm").scale_up_gb_s == 450  # one direction of 900
    assert cat.accelerator("b200-sxm").memory_usable_gb == 180  # of 192
    assert cat.accelerator("b300-sxm").int8_tops == 158
    assert cat.accelerator("h20").memory_bandwidth_gb_s > cat.accelerator("h100-sxm").memory_bandwidth_gb_s
    v3 = cat.model("deepseek-v3")
    assert (v3.attention, v3.kv_lora_rank + v3.qk_rope_dim) == ("mla", 576)
    dense = cat.model("gpt3x1000-dense")
    assert 2 * 2 * dense.kv_heads * dense.head_dim * dense.layers == 322_961_408  # MHA, bytes per token at 16 bit
    gqa = cat.model("gpt3x1000-dense-gqa")
    assert 2 * 2 * gqa.kv_heads * gqa.head_dim * gqa.layers == 40_370_176


def test_parameters_of_dense_cards_by_hand(cat):
    """Layers x (attention + FFN) + embeddings reproduces the published total."""
    checked = 0
    for card in cat.models().values():
        if card.kind == "dense" and card.params_exact:
            d = card.d_model
            attention = 2 * d * card.head_dim * (card.heads + card.kv_heads)
            layer = attention + card.ffn_matrices * d * card.d_ff_dense
            total = card.layers * layer + d * (card.vocab * (1 if card.tied_embeddings else 2) + card.positions)
            assert total / 1e9 == pytest.approx(card.params_total_b, rel=0.01), card.id
            checked += 1
    assert checked >= 18


def test_prices_fall_and_are_ordered(cat):
    low, mid, high = (cat.price("h100-sxm", 2026, level) for level in ("low", "mid", "high"))
    assert low < mid < high
    assert mid == pytest.approx(34000 * 0.88**3, rel=1e-3)
    assert cat.price("h100-sxm", 2028) < mid
    table = cat.table("accelerator_prices")
    assert (table.groupby("accelerator")["price_usd"].diff().dropna() <= 0).all()
    assert set(table["accelerator"]) == set(cat.accelerators())
    with pytest.raises(InputError, match="no price of `vr200-nvl72` in 2020; years: 2026 to"):
        cat.price("VR200", 2020)
    with pytest.raises(InputError, match="level `middle`"):
        cat.price("h100-sxm", 2026, "middle")


def test_price_path_follows_its_stated_rule(cat):
    trend = cat.row("price_trends", "purchase")
    cards = cat.table("accelerators").set_index("id")
    table = cat.table("accelerator_prices")
    base = table["accelerator"].map(cards["price_usd"])
    age = (table["year"] - table["accelerator"].map(cards["price_year"])).clip(lower=0)
    share = (trend["factor_per_year"] ** age).clip(lower=trend["floor_share"])
    assert (table["price_usd"] / (base * share)).between(0.999, 1.001).all()


def test_archetypes_step_forward_from_rubin_ultra(cat):
    cards = [cat.accelerator("rubin-ultra-nvl576"), *(archetype(y, {}, cat) for y in archetype_years(2028, 2040, 2))]
    assert [card.id for card in cards[1:3]] == ["archetype-2028", "archetype-2030"]
    for older, newer in pairwise(cards):
        for name in SMALLER_IS_OLDER:
            assert getattr(newer, name) > getattr(older, name), (newer.id, name)
        assert newer.available > older.available
        assert newer.fp8_tflops / newer.price_usd > older.fp8_tflops / older.price_usd
    assert all(cat.fabric(card.scale_up_fabric)["tier"] == "scale-up" for card in cards)
    assert all(card.confidence == "estimate" for card in cards)


@settings(max_examples=30, deadline=None)
@given(year=st.integers(2028, 2045),
       topic=st.sampled_from(["compute", "bandwidth", "memory", "power", "price", "domain"]))
def test_each_topic_moves_its_own_figures_only(year, topic):
    from capacity.catalogue.catalogue import load_catalogue

    cat = load_catalogue()
    topics = cat.table("archetype_trends").set_index("quantity")["topic"]
    low, high = archetype(year, {topic: "low"}, cat), archetype(year, {topic: "high"}, cat)
    for name in SMALLER_IS_OLDER:
        if topics[name] == topic:
            assert getattr(low, name) <= getattr(high, name)
        else:
            assert getattr(low, name) == getattr(high, name)
    assert low != high


def test_archetype_refusals(cat):
    with pytest.raises(InputError, match=r"unknown topic `computes`.*nearest: `compute`"):
        archetype(2030, {"computes": "low"}, cat)
    with pytest.raises(InputError, match="level `mild` of `compute`"):
        archetype(2030, {"compute": "mild"}, cat)
    with pytest.raises(InputError, match="first archetype is archetype-2028"):
        cat.accelerator("archetype-2027")
    with pytest.raises(InputError, match="enters service in 2030"):
        cat.price("archetype-2030", 2029)


def test_archetype_price_is_its_own_then_falls(cat):
    card = cat.accelerator("archetype-2030")
    assert cat.price("archetype-2030", 2030) == card.price_usd
    assert cat.price("archetype-2030", 2031) == pytest.approx(card.price_usd * 0.88)
    assert cat.price("archetype-2030", 2060, "high") == pytest.approx(card.price_high_usd * 0.40)


def test_constants_have_three_levels(cat):
    low, mid, high = (cat.constant("discount_rate", level) for level in ("low", "mid", "high"))
    assert (low, mid, high) == (0.07, 0.09, 0.12)
    with pytest.raises(InputError, match=r"no constant `discont_rate` in constants\.csv; nearest: `discount_rate`"):
        cat.constant("discont_rate")


def test_supply_grows_and_fades_as_stated(cat):
    supply = cat.table("supply").pivot_table(index="year", columns="quantity", values="value")
    shipped = supply["accelerators_shipped"]
    assert shipped[2026] == pytest.approx(10.5e6)
    assert shipped[2027] / shipped[2026] == pytest.approx(1.65, rel=1e-3)
    assert shipped[2036] / shipped[2035] == pytest.approx(1.20, rel=1e-3)
    assert supply["ai_power_mw"][2030] == pytest.approx(100e3)
    assert supply["inference_share"].between(0.3, 0.9).all()
    assert supply.loc[2021:2036].notna().all(axis=None)


def test_stock_keeps_chips_apart(cat):
    stock = cat.table("stock").set_index(["accelerator", "year_end"])["units"]
    assert stock["h20", 2025] == 1_489_899
    assert stock["h100-sxm", 2025] == 4_317_291


def test_import_is_light():
    code = "import sys, capacity.catalogue as c; c.Accelerator; assert 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_prices_agree_with_published_cost_of_owning(cat):
    """Annuity over IT life + upkeep + fabric + power + shell, against the hourly cost a hyperscaler is said to have."""
    rate, life, hours = cat.constant("discount_rate"), cat.constant("it_life_years"), cat.constant("hours_per_year")
    annuity = rate / (1 - (1 + rate) ** -life)
    fabric_usd, usd_kwh, pue, shell_usd_kw, shell_annuity = 4248, 0.08, 1.25, 11_000, 0.1
    for row in cat.table("tco").to_dict("records"):
        price = cat.price(row["accelerator"], 2025)
        capital = (price + fabric_usd) * annuity + price * cat.constant("upkeep_share_per_year")
        owning = (capital + row["all_in_kw"] * shell_usd_kw * shell_annuity) / hours + row["all_in_kw"] * pue * usd_kwh
        assert 0.85 < owning / row["owning_hyperscaler_usd_h"] < 1.25, row["accelerator"]


def test_a_host_reads_at_the_rate_of_its_lanes_or_of_its_memory(cat):
    """DGX A100: 64 lanes x 31.5 / 16 GB/s = 126, below 409.6 of memory; EPYC 7003: 204.8 of memory, below 252."""
    known = cat.accelerators()
    assert known["a100-sxm-80"].host.read_gb_s == pytest.approx(126.0)
    assert known["rtx3090"].host.read_gb_s == pytest.approx(204.8)
    assert known["gb200-nvl72"].host.read_gb_s == 512.0
    assert known["mi300a"].host is None
