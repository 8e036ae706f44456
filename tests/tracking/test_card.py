"""Id, name, group, tags and settings of a run."""

from pathlib import Path
from typing import Any

import pytest

from vlrb.tracking.card import Context, make_card, varied
from vlrb.utils.config import identity

from .conftest import CONFIG

DATA: dict[str, Any] = {
    "data_fingerprint": "feedc0de12345678",
    "pricing": "flat",
    "pricing_date": "2025-01-01",
    "samples": 6,
    "model_ids": ["a", "b"],
    "dataset_groups": {"x": "General"},
    "synthetic": True,
    "bounds": {"cmin": 0.1, "cmax": None},
}


def test_a_single_run_reads_well() -> None:
    card = make_card(CONFIG, DATA, Context())
    assert card.name == "mlp λ=0.5 s1"
    assert card.group == "hand/mlp"
    assert card.tags == ("hand", "mlp", "offline", "synthetic")
    assert card.id == f"mlp-0.5-s1-{identity(CONFIG)}-feedc0"


def test_runs_of_one_sweep_share_its_group_and_say_what_varies() -> None:
    sweep = Path("runs/hand/sweeps/lambda_sweep-1234")
    command = [
        "preset=lambda_sweep",
        "router=knn,mlp",
        "lambda.value=0,0.5",
        "router/k=5,7",
        "encoder.text=a,b",
        "seed=0,1",
    ]
    job = [
        "preset=lambda_sweep",
        "router=mlp",
        "lambda.value=0.5",
        "+router.k=5",
        "encoder/text=b",
        "seed=1",
        "trainer=cpu",
    ]
    context = Context(sweep, "lambda_sweep", job, command)
    card = make_card(CONFIG, DATA, context)
    assert (card.group, card.name) == ("lambda_sweep-1234", "mlp λ=0.5 s1 k=5 text=b")
    assert "lambda_sweep" in card.tags


@pytest.mark.parametrize("value", ["range(1,5)", "choice(1,2)", "interval(0,1)", "1,2"])
def test_every_form_of_a_sweep_counts_as_varied(value: str) -> None:
    assert varied(Context(overrides=["router.k=3"], command=[f"router.k={value}"])) == ["k=3"]


def test_a_list_that_does_not_vary_is_not_in_the_name_twice() -> None:
    assert varied(Context(overrides=["router.k=3"], command=["router.k=3"])) == []


def test_settings_are_flat_and_hold_no_places() -> None:
    settings = make_card(CONFIG, DATA, Context()).settings
    assert settings["router/hidden"] == [8, 4]
    assert settings["lambda/value"] == 0.5
    assert (settings["data/fingerprint"], settings["data/models"], settings["data/cost_max"]) == (
        "feedc0de12345678",
        2,
        None,
    )
    assert not any("secret" in str(value) for value in settings.values())
    assert not any(key.startswith(("paths", "logger")) for key in settings)


def test_the_id_follows_settings_and_data_but_not_places() -> None:
    base = make_card(CONFIG, DATA, Context()).id
    moved = {**CONFIG, "paths": {"runs_dir": "/elsewhere"}, "logger": {"project": "q"}}
    assert make_card(moved, DATA, Context()).id == base
    assert make_card({**CONFIG, "seed": 2}, DATA, Context()).id != base
    assert make_card(CONFIG, {**DATA, "data_fingerprint": "0123456789"}, Context()).id != base
    long = make_card({**CONFIG, "router_name": "über/router " * 20}, DATA, Context()).id
    assert len(long) <= 64
    assert not set(long) & set("/\\#?%: ü")
