"""λ settings and the data spec: ranges, plain values and back."""

import json
import math

import numpy as np
import pytest
from omegaconf import OmegaConf

from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.utils.cli import ROOT
from vlrb.utils.errors import ConfigError, StateError

FOLDER = ROOT / "conf" / "lambda"


def settings(name: str) -> dict:
    node = OmegaConf.load(FOLDER / f"{name}.yaml")
    bases = [OmegaConf.load(FOLDER / f"{base}.yaml") for base in node.pop("defaults", [])]
    return OmegaConf.to_container(OmegaConf.merge(*bases, node))


@pytest.mark.parametrize(
    ("name", "value", "cost_scale", "fallback"),
    [
        ("accuracy", 0, "auto", "drop"),
        ("balanced", 0.5, "auto", "drop"),
        ("cheapest", math.inf, "auto", "drop"),
        ("reference", 100, 100, "cheapest"),
    ],
)
def test_named_trade_offs(name, value, cost_scale, fallback):
    trade_off = TradeOff.from_config(settings(name))
    assert (trade_off.value, trade_off.scheme, trade_off.cost_scale, trade_off.fallback) == (
        value,
        "exp",
        cost_scale,
        fallback,
    )


def test_every_file_is_named_above():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {"accuracy", "balanced", "cheapest", "reference"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"value": -1}, "at least 0"),
        ({"value": float("nan")}, "at least 0"),
        ({"value": "abc"}, "lambda.value must be a number"),
        ({"value": True}, "lambda.value must be a number"),
        ({"scheme": "exq"}, "did you mean 'exp'"),
        ({"cost_scale": 0}, "positive"),
        ({"cost_scale": "auto2"}, "cost_scale"),
        ({"fallback": "keep"}, "no such choice"),
        ({"epsilon": -1e-9}, "at least 0"),
        ({"valu": 1}, "unknown key 'lambda.valu'"),
    ],
)
def test_bad_settings_are_refused(changed, message):
    with pytest.raises(ConfigError, match=message):
        TradeOff.from_config({**settings("balanced"), **changed})


def test_auto_scale_must_be_frozen_before_use():
    with pytest.raises(ConfigError, match="not frozen"):
        _ = TradeOff(0.5).scale
    assert TradeOff(0.5).frozen(np.array([[1e-4, 3e-4]])).scale == pytest.approx(5000)  # mean 2e-4
    assert TradeOff(0.5, cost_scale=100.0).frozen(np.array([[1e-4, 3e-4]])).scale == 100


def test_targets_by_hand():
    """C = (1, 3)·1e-4, scale 5,000 → 0.5, 1.5; λ = ln 2: weights 2^−0.5 : 2^−1.5 = 2 : 1."""
    trade_off = TradeOff(math.log(2), cost_scale=5000.0)
    soft = trade_off.targets(np.array([[1.0, 1.0]]), np.array([[1e-4, 3e-4]]))
    np.testing.assert_allclose(soft.targets, [[2 / 3, 1 / 3]], rtol=1e-5)


def test_spec_survives_json():
    spec = DataSpec(
        model_ids=("A", "B"),
        dataset_names=("one",),
        feature_dim=3,
        mean_train_cost=(1e-4, math.inf),
        trade_off=TradeOff(math.inf, cost_scale=5000.0),
        cost_bounds=CostBounds(None, None, "x", "no prices"),
        seed=7,
        data_fingerprint="abc",
    )
    text = json.dumps(spec.to_plain(), allow_nan=False)
    assert DataSpec.from_plain(json.loads(text)) == spec
    broken = {k: v for k, v in spec.to_plain().items() if k != "seed"}
    with pytest.raises(StateError, match="seed"):
        DataSpec.from_plain(broken)
