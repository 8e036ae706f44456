from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from vlrb.utils.argv import quoted, rewrite_overrides, split_flags
from vlrb.utils.cli import ROOT, sweep_id
from vlrb.utils.errors import ConfigError

CONF = ROOT / "conf"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("lambda=0.5", "lambda.value=0.5"),
        ("lambda=0,0.5,1", "lambda.value=0,0.5,1"),
        ("lambda=inf", "lambda.value=inf"),
        ("lambda=range(0,1,0.5)", "lambda.value=range(0,1,0.5)"),
        ("lambda=interval(0,1)", "lambda.value=interval(0,1)"),
        ("lambda=choice(0,1)", "lambda.value=choice(0,1)"),
        ("lambda=balanced", "lambda=balanced"),
        ("lambda=balanced,accuracy", "lambda=balanced,accuracy"),
        ("lambda.value=2", "lambda.value=2"),
        ("encoder.text=hashed", "encoder/text=hashed"),
        ("encoder.text.dim=64", "encoder.text.dim=64"),
        ("router=knn", "router=knn"),
        ("run=runs/demo/mlp/0.5-s0-ab", "run='runs/demo/mlp/0.5-s0-ab'"),
        ("run=null", "run=null"),
        ("runs=runs/*/{a,b}", "runs='runs/*/{a,b}'"),
        ("dataset.root=/data/my logs (1)", "dataset.root='/data/my logs (1)'"),
    ],
)
def test_rewrites(word: str, expected: str) -> None:
    assert rewrite_overrides([word], CONF) == [expected]


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("lambda=abc", "not a trade-off"),
        ("lambda=balancd", "did you mean 'balanced'"),
        ("lambda=0,balanced", "mixes names and numbers"),
        ("lambda=0,abc", "'abc' is not a trade-off"),
        ("lambda=true", "not a trade-off"),
        ("lambda=", "not a trade-off"),
        ("router", "not an override"),
    ],
)
def test_refuses(word: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        rewrite_overrides([word], CONF)


def test_flags_may_stand_anywhere() -> None:
    flags, overrides = split_flags(["router=knn", "-m", "lambda=0,1", "--cfg", "job", "seed=1"])
    assert flags == ["-m", "--cfg", "job"]
    assert overrides == ["router=knn", "lambda=0,1", "seed=1"]


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n\r\0", exclude_categories=["Cs"]), min_size=1)
)
def test_quoting_reads_back_as_the_same_text(value: str) -> None:
    """Whatever a path looks like, Hydra's own parser must give back the same characters."""
    already_quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    if already_quoted or value == "null":
        return
    parsed = OverridesParser.create().parse_override(f"run={quoted(value)}")
    text = parsed.value()
    assert getattr(text, "text", text) == value


def test_sweep_id_ignores_order_and_places() -> None:
    assert sweep_id(["router=knn,mlp", "seed=0,1"]) == sweep_id(["seed=0,1", "router=knn,mlp", "paths.runs_dir=/x"])
    assert sweep_id(["router=knn"]) != sweep_id(["router=mlp"])
    assert sweep_id(["preset=quick"]) == "quick"
    assert sweep_id(["preset=quick", "seed=1"]).startswith("quick-")


def test_conf_has_the_named_trade_offs() -> None:
    names = {path.stem for path in Path(CONF / "lambda").glob("*.yaml")}
    assert {"accuracy", "balanced", "cheapest"} <= names
