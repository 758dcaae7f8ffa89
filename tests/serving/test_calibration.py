import pandas as pd
import pytest

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.serving.calibration import PARAMETERS, Calibration, default_calibration


def test_the_shipped_table_validates_and_serves_any_generation():
    table = load_catalogue().table("calibration").reset_index()
    assert set(PARAMETERS) == set(table["parameter"])
    fit = default_calibration().fit("hopper", "fp8")
    assert 0 < fit.weight_bandwidth < 1
    assert "weight_bandwidth" not in fit.inherited
    assert "weight_bandwidth" in default_calibration().fit("never-made", "fp4").inherited


def test_the_most_specific_row_wins():
    assert default_calibration().fit("blackwell", "fp4").matmul != default_calibration().fit("blackwell", "fp8").matmul


def rows(*extra):
    base = pd.DataFrame({"parameter": PARAMETERS, "generation": "*", "precision": "*", "engine": "*", "fabric": "*",
                         "value": 0.5})
    return pd.concat([base, pd.DataFrame(list(extra))], ignore_index=True)


def test_bad_tables_are_refused():
    with pytest.raises(InputError, match="nearest: matmul"):
        Calibration(rows({"parameter": "matmull", "value": 1.0}))
    with pytest.raises(InputError, match="repeats matmul"):
        Calibration(rows({"parameter": "matmul", "generation": "*", "precision": "*", "engine": "*",
                          "fabric": "*", "value": 1.0}))
    with pytest.raises(InputError, match="missing"):
        Calibration(pd.DataFrame({"parameter": ["matmul"]}))
    with pytest.raises(InputError, match="no row of 'step_s'"):
        Calibration(rows().query("parameter != 'step_s'")).fit("hopper", "fp8")
    with pytest.raises(InputError, match="does not exist"):
        Calibration.read("nowhere.csv")
