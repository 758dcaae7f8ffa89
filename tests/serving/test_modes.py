"""Ways of serving beyond the plain one: parts of an accelerator, streams, drafts, shared prompts, precisions."""

import dataclasses

import numpy as np
import pytest

from capacity.errors import InputError
from capacity.serving import Modes, Slo, Speculation, Workload, frontier, why_empty
from capacity.serving.cells import precisions, shared_reads
from capacity.serving.load import load, prefill
from capacity.serving.memory import draft_bytes, kv_room, weight_bytes
from capacity.serving.passes import draft_s, prefill_s, round_s
from capacity.serving.step import decode_s
from capacity.serving.system import Draft, Layout, System, system

from .cards import DEEPSEEK, GPT_OSS, H100, LLAMA70, RUBIN, THINKER, THINKER_SLO, accelerator, links

SMALL = dataclasses.replace(LLAMA70, id="small", layers=16, d_model=2048, d_ff_dense=8192, heads=32, kv_heads=8,
                            head_dim=64, vocab=128256, tied_embeddings=True)
CHAT = Workload(20000 / 3600, 5000 / 3600, 0.0, 1000.0, 2000.0, 10 / 3600)
ONE = np.ones(1)


def best(model, card, work, slo, **more):
    found = frontier(model, card, links(card), work, slo, **more)
    return found["instances_per_accelerator"].max() if len(found) else 0.0


def test_a_mode_that_is_off_changes_nothing():
    plain = frontier(DEEPSEEK, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64)
    off = frontier(DEEPSEEK, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64, modes=Modes())
    assert plain.equals(off)
    assert set(plain["mode"]) == {"plain"}


@pytest.mark.parametrize("wrong", [{"parts": 3}, {"streaming": ("tape",)}, {"lookahead": 0}])
def test_a_mode_that_does_not_exist_is_refused(wrong):
    with pytest.raises(InputError, match="modes"):
        Modes(**wrong)


def test_a_part_of_an_accelerator_holds_its_own_weights_and_shares_the_rates():
    """Four copies side by side hold four sets of weights; each takes four times as long to read its own."""
    made, whole, quarter = system(SMALL, H100, links(H100)), Layout.of(1), Layout.of(0.25)
    assert quarter.accelerators[0] == 0.25
    assert weight_bytes(made, quarter)[0] == pytest.approx(4 * weight_bytes(made, whole)[0])
    assert kv_room(made, quarter)[0] < kv_room(made, whole)[0]
    ask = ONE, np.full(1, 1000.0)
    assert decode_s(made, whole, *ask)[0] < decode_s(made, quarter, *ask)[0] < 4 * decode_s(made, whole, *ask)[0]


@pytest.mark.parametrize("part", [0.5, 0.25, 0.125])
@pytest.mark.parametrize("in_flight", [0.1, 3.0, 60.0])
def test_a_part_never_exceeds_the_whole(part, in_flight):
    """At the same load, the copy on a part is slower in both times, and what it serves fewer instances."""
    made, host = system(SMALL, H100, links(H100)), np.zeros(1, dtype=bool)
    whole, own = Layout.of(1), Layout.of(part)
    of = [load(made, x, host, CHAT, THINKER_SLO, prefill(made, x, CHAT), in_flight * ONE) for x in (whole, own)]
    assert of[1].tpot[0] >= of[0].tpot[0]
    assert of[1].ttft[0] >= of[0].ttft[0]
    assert of[1].instances[0] <= of[0].instances[0]


def test_parts_of_an_accelerator_are_offered_where_a_small_copy_does_as_well():
    found = frontier(SMALL, H100, links(H100), CHAT, Slo(2.0, 0.01), modes=Modes(parts=8))
    parts = found[found["mode"] == "part"]
    assert len(parts)
    assert (parts["accelerators"] == parts["part"]).all()
    assert set(parts["part"]) <= {0.5, 0.25, 0.125}
    assert (parts["memory_gb"] <= H100.memory_usable_gb).all()
    np.testing.assert_allclose(parts["instances"] / parts["part"], parts["instances_per_accelerator"])
    assert best(SMALL, H100, CHAT, Slo(2.0, 0.01), modes=Modes(parts=8)) >= best(SMALL, H100, CHAT, Slo(2.0, 0.01))


SLOW = Workload(0.05, 0.05, 0.0, 1000.0, 2000.0, 1e-4)
PATIENT = Slo(600.0, 30.0)


def test_what_does_not_fit_may_stream():
    """DeepSeek's 671 GB on one card of 80 GB with 1 TB of host RAM beside it."""
    card = accelerator(host_memory_gb=1024.0)
    assert "does not fit in memory" in why_empty(DEEPSEEK, card, links(card), SLOW, PATIENT, max_accelerators=1)
    found = frontier(DEEPSEEK, card, links(card), SLOW, PATIENT, max_accelerators=1, modes=Modes(streaming=("host",)))
    assert set(found["mode"]) == {"streamed"}
    assert set(found["stream_from"]) == {"host"}
    link = card.host_link_gb_s * 1e9 * system(DEEPSEEK, card, links(card)).fit.host_link
    assert (found["tpot_s"] >= found["streamed"] * 650e9 / link).all()
    assert (found["memory_gb"] <= card.memory_usable_gb).all()


def test_weights_stream_from_host_ram_only_as_far_as_they_fit_there():
    card = accelerator(host_memory_gb=256.0)
    assert frontier(DEEPSEEK, card, links(card), SLOW, PATIENT, max_accelerators=1,
                    modes=Modes(streaming=("host",))).empty


def test_drives_that_are_not_known_are_not_streamed_from():
    assert frontier(DEEPSEEK, H100, links(H100), SLOW, PATIENT, max_accelerators=1,
                    modes=Modes(streaming=("nvme",))).empty


def drafted(made: System, tokens: int, acceptance: float, cost: float) -> System:
    expected = sum(acceptance**i for i in range(tokens + 1))
    return dataclasses.replace(made, verify=tokens + 1.0, draft=Draft(tokens, expected, cost, made, False))


def test_a_draft_by_hand():
    """A round: a step over four tokens a sequence and three drafted at 10 %; each yields 1 + .5 + .25 + .125 tokens."""
    made = system(LLAMA70, H100, links(H100))
    with_draft = drafted(made, 3, 0.5, 0.1)
    layout = Layout.of(8)
    layout = dataclasses.replace(layout, draft=with_draft.draft.layout(layout))
    ask = 4 * ONE, np.full(1, 2000.0)
    alone, verify = decode_s(made, Layout.of(8), *ask), decode_s(with_draft, Layout.of(8), *ask)
    assert draft_s(with_draft, layout, *ask)[0] == pytest.approx(0.1 * alone[0])
    assert round_s(with_draft, layout, *ask)[0] == pytest.approx(verify[0] + 0.3 * alone[0])
    assert alone[0] < verify[0] < 4 * alone[0]
    assert draft_bytes(with_draft, layout) == pytest.approx(0.1 * weight_bytes(made, Layout.of(8)))
    assert prefill_s(with_draft, layout, *ask)[0] == pytest.approx(1.1 * prefill_s(made, Layout.of(8), *ask)[0])


def test_a_draft_that_is_accepted_serves_more_and_one_that_is_not_less():
    slo = Slo(2.0, 0.02)
    plain = best(LLAMA70, H100, THINKER, slo)
    good = Modes(speculation=Speculation(4, 0.9, model=dataclasses.replace(SMALL, vocab=LLAMA70.vocab)))
    bad = Modes(speculation=Speculation(4, 0.0, cost=0.1))
    assert best(LLAMA70, H100, THINKER, slo, modes=good) > plain > best(LLAMA70, H100, THINKER, slo, modes=bad)


@pytest.mark.parametrize("wrong", [{}, {"cost": 0.1, "model": SMALL}, {"cost": 1.5}])
def test_a_draft_is_a_model_or_a_cost(wrong):
    with pytest.raises(InputError, match="speculation"):
        Speculation(3, 0.5, **wrong)
    with pytest.raises(InputError, match="drafted"):
        Speculation(0, 0.5, cost=0.1)


def test_branches_read_the_prompt_they_share_once():
    """Context 32,000 of which 750 are a branch's own on average: (750 + 31,250 / 4) / 32,000 for four branches."""
    work = dataclasses.replace(THINKER, branches=4.0)
    made = system(LLAMA70, H100, links(H100))
    assert shared_reads(made, THINKER) == 1.0
    assert shared_reads(made, work) == pytest.approx((750 + 31250 / 4) / 32000)
    slo = Slo(2.0, 0.03)
    shared = best(LLAMA70, H100, work, slo, modes=Modes(shared_prefix=True))
    assert shared > best(LLAMA70, H100, work, slo)
    assert shared < best(LLAMA70, H100, THINKER, slo)


def test_precisions_are_a_dimension():
    assert precisions(H100, "any", "fp8") == [("bf16", "fp8"), ("fp8", "fp8"), ("int8", "fp8")]
    assert precisions(RUBIN, "fp4, fp8", "any") == [("fp4", "bf16"), ("fp4", "fp8"), ("fp8", "bf16"), ("fp8", "fp8")]
    with pytest.raises(InputError, match="nearest: fp8"):
        precisions(H100, "fp9", "fp8")
    found = frontier(GPT_OSS, RUBIN, links(RUBIN), THINKER, THINKER_SLO, weights="any", max_accelerators=8)
    each = [best(GPT_OSS, RUBIN, THINKER, THINKER_SLO, weights=w, max_accelerators=8) for w in ("bf16", "fp8", "fp4")]
    assert found["instances_per_accelerator"].max() == pytest.approx(max(each))
    assert "fp4" in set(found["weights"])


def test_kv_offload_can_be_left_out():
    found = frontier(LLAMA70, H100, links(H100), THINKER, THINKER_SLO, modes=Modes(kv_offload=False))
    assert set(found["kv_home"]) == {"hbm"}


def test_reloads_of_all_accelerators_share_what_their_host_can_read():
    """A host that reads a tenth of its links' rate fills ten times sooner; a reload alone is as quick as before."""
    from capacity.catalogue.cards import Host

    slow = accelerator(host=Host("slow", 8, 8 * 6.4, 0.0, 0.0, 0.0))
    at = []
    for card in (H100, slow):
        made, layout = system(LLAMA70, card, links(card)), Layout.of(8)
        first = prefill(made, layout, THINKER)
        at.append(load(made, layout, np.ones(1, dtype=bool), THINKER, THINKER_SLO, first, 10 * ONE))
    assert at[1].link[0] == pytest.approx(10 * at[0].link[0])
    assert at[0].reload[0] < at[1].reload[0] < 1.5 * at[0].reload[0]
