"""Another estimator's word beside ours: what it is asked, what it may not know, and that it may be absent."""

import sys
import types
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

import numpy as np
import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.serving import Modes, frontier
from capacity.serving.backends import with_backend

from .cards import DEEPSEEK, H100, THINKER, THINKER_SLO, links

INSTALLED = find_spec("aiconfigurator") is not None


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """A stand-in for aiconfigurator that knows two models and one system, and what it was asked."""
    calls = []

    def cli_estimate(model, system, **more):
        if more["batch_size"] > 100:
            raise RuntimeError("OOM: does not\nfit")
        calls.append({"model": model, "system": system, **more})
        return types.SimpleNamespace(ttft=500.0, tpot=20.0 + more["batch_size"])

    modules = {name: types.ModuleType(name) for name in
               ("aiconfigurator", "aiconfigurator.cli", "aiconfigurator.cli.api", "aiconfigurator_core")}
    for name, module in modules.items():
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    modules["aiconfigurator.cli.api"].cli_estimate = cli_estimate
    modules["aiconfigurator_core"].__file__ = str(tmp_path / "__init__.py")
    for part, names in {"model_configs": ("deepseek-ai--DeepSeek-V3_config.json", "meta-llama--Meta_config.json"),
                        "systems": ("h100_sxm.yaml", "l4.yaml")}.items():
        (tmp_path / part).mkdir()
        for name in names:
            (tmp_path / part / name).touch()
    return calls


def test_each_plain_plan_is_asked_as_it_is(asked):
    chip = load_catalogue().accelerator("h100-sxm")
    found = frontier(DEEPSEEK, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64,
                     modes=Modes(disaggregated=True))
    seen = with_backend(found, "aiconfigurator", DEEPSEEK, chip, THINKER)
    assert {a["model"] for a in asked} == {"deepseek-ai/DeepSeek-V3"}
    assert {a["system"] for a in asked} == {"h100_sxm"}
    for call in asked:
        assert call["moe_tp_size"] * call["moe_ep_size"] == call["tp_size"] * call["attention_dp_size"]
        assert (call["isl"], call["prefix"], call["osl"]) == (32000, 31500, 1500)
    plain = seen[seen["mode"] == "plain"]
    answered = plain[plain["backend_note"] == ""]
    np.testing.assert_allclose(answered["backend_tpot_s"], [(20 + a["batch_size"]) / 1e3 for a in asked])
    np.testing.assert_allclose(answered["backend_ttft_s"], 0.5)
    others = seen[(seen["mode"] != "plain") | (seen["backend_note"] != "")]
    assert others["backend_tpot_s"].isna().all()
    assert (others["backend_note"] != "").all()


def test_what_it_refuses_is_said_on_the_row(asked):
    chip = load_catalogue().accelerator("h100-sxm")
    found = frontier(DEEPSEEK, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64).head(1)
    seen = with_backend(found.assign(batch=1e6), "aiconfigurator", DEEPSEEK, chip, THINKER)
    assert seen["backend_note"].tolist() == ["OOM: does not fit"]
    assert asked == []


@pytest.mark.parametrize(("model", "chip", "message"), [("gpt-20b", "h100-sxm", "no model `gpt-20b`"),
                                                        ("deepseek-v3", "mi300x", "no system `mi300x`; systems: h100")])
def test_what_it_does_not_know_is_named(asked, model, chip, message):
    cat = load_catalogue()
    found = frontier(DEEPSEEK, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64).head(1)
    with pytest.raises(InputError, match=message):
        with_backend(found, "aiconfigurator", cat.model(model), cat.accelerator(chip), THINKER)


def test_a_backend_that_does_not_exist_names_the_nearest():
    found = frontier(DEEPSEEK, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64).head(1)
    with pytest.raises(InputError, match="nearest: aiconfigurator"):
        with_backend(found, "aiconfig", DEEPSEEK, H100, THINKER)


@pytest.mark.skipif(INSTALLED, reason="aiconfigurator is installed here")
def test_absent_it_says_what_to_install():
    found = frontier(DEEPSEEK, H100, links(H100), THINKER, THINKER_SLO, max_accelerators=64).head(1)
    with pytest.raises(InputError, match=r"pip install 'capacity\[aiconfigurator\]'"):
        with_backend(found, "aiconfigurator", DEEPSEEK, H100, THINKER)


@pytest.mark.skipif(not INSTALLED, reason="needs the extra `aiconfigurator` (its measured kernels are 110 MB)")
def test_the_real_one_agrees_within_a_factor_of_two():
    chip = load_catalogue().accelerator("h200-sxm")
    found = frontier(DEEPSEEK, chip, links(chip), THINKER, THINKER_SLO, max_accelerators=16).head(1)
    seen = with_backend(found, "aiconfigurator", DEEPSEEK, chip, THINKER)
    assert seen["backend_note"].tolist() == [""]
    assert 0.5 < seen["backend_tpot_s"].iloc[0] / seen["tpot_s"].iloc[0] < 2.0
