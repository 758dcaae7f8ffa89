"""What is believed of the serving model's parameters before any measurement, of one engine in particular."""

import math

import pandas as pd
import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.serving.calibrate import fixed_values, knobs, own_priors, priors_of
from capacity.serving.calibration import ANY, Calibration

PRIOR = {"parameter": "layer_s", "engine": "lab", "value": 1.6e-4, "spread": 0.3, "by": "engine", "between": 0.3,
         "floor": 1e-6, "ceiling": 0.01, "unit": "s", "source": "us", "as_of": "2026-11", "confidence": "estimate"}


def priors(tmp_path, **changed):
    """Our priors with one more of an engine of a user's own."""
    pd.DataFrame([{**PRIOR, **changed}]).to_csv(tmp_path / "calibration_priors.csv", index=False)
    return priors_of(load_catalogue([tmp_path]))


def test_an_engine_of_which_more_is_known_starts_from_its_own_prior(tmp_path):
    """4e-5 s a layer for all engines, 1.6e-4 for this: log 4 above, and drawn there by its own spread."""
    table = priors(tmp_path)
    assert own_priors(table)["layer_s", "lab"] == pytest.approx((math.log(4.0), 0.3))
    made = knobs(table, ["layer_s"], {"engine": [("lab", ANY), ("petals", ANY), ("vllm", ANY)]})
    at = {key[3]: (start, spread) for key, start, spread in zip(made.keys, made.start, made.spread, strict=True)}
    assert at["lab"] == pytest.approx((math.log(4.0), 0.3))
    assert at["petals"] == (0.0, 2.0)
    assert at["vllm"] == (0.0, 0.2)
    assert made.values(made.start)["layer_s", ANY, ANY, "lab", ANY] == pytest.approx(1.6e-4)


def test_without_rows_of_an_engine_its_own_prior_holds(tmp_path):
    table = Calibration.of(fixed_values(priors(tmp_path)))
    assert table.fit("hopper", "fp8", "lab").layer_s == 1.6e-4
    assert table.fit("hopper", "fp8", "petals").layer_s == 4e-5


@pytest.mark.parametrize(("changed", "words"), [
    ({"parameter": "knee", "by": ""}, "knee: a row of one engine is by engine"),
    ({"spread": 0.0}, "layer_s: a row of one engine is by engine, with a spread"),
    ({"parameter": "speed"}, "speed: each parameter"),
])
def test_a_prior_that_cannot_hold_is_named(tmp_path, changed, words):
    with pytest.raises(InputError, match=words):
        priors(tmp_path, **changed)
