"""Every router on data that real logs do contain: nothing to tell apart, hardly anything known, hardly anything at all.

Scores must be numbers, −inf allowed: "never choose", of a model that is never right or whose cost is unknown.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vlrb.data.batch import decision_batch
from vlrb.data.tradeoff import TradeOff
from vlrb.routers.base import RouterModule, TrainingArrays

ROWS = 24


def cut(view: SimpleNamespace, train: int) -> SimpleNamespace:
    """The first `train` rows are train, then six dev, the rest test."""
    view.split = np.array(["train"] * train + ["dev"] * 6 + ["test"] * (ROWS - train - 6))
    return view


def one_class(view):
    view.Y[:] = 0
    view.Y[:, 1] = 1


def ties_everywhere(view):
    view.Y[:] = 1
    view.C[:] = 1e-4


def graded_ties(view):
    view.Y[:] = 0.5
    view.C[:] = 0
    view.C[:, 0] = 1e-4  # all others are free


def some_unsolved(view):
    view.Y[::2] = 0


def one_solved(view):
    view.Y[:] = 0
    view.Y[3, 2] = 1  # in train


def a_model_known_nowhere(view):
    holes = np.random.default_rng(1).random(view.Y.shape) < 0.4
    holes[:, 3] = True
    holes[0] = [False, False, True, True, False]
    view.Y[holes] = view.C[holes] = np.nan
    view.Y[0, 0] = 1


def one_sample(view):
    view.Y[0] = [0, 1, 0, 1, 0]
    cut(view, train=1)


def two_samples_alike(view):
    view.Y[:2] = [[0, 1, 0, 1, 0], [1, 0, 0, 1, 0]]
    view.features[3:5] = view.features[3]
    cut(view, train=2)


def no_dev(view):
    view.split = np.array(["train"] * 12 + ["test"] * 12)


def constant_features(view):
    view.features[:] = 2.5


def zero_features(view):
    view.features[:] = 0


def duplicate_samples(view):
    view.features[:] = view.features[3 + np.arange(len(view.features)) % 3]


def duplicate_columns(view):
    view.features[:] = view.features[:, :1]


def far_away_values(view):
    view.features[:] = view.features * 1e-3 + 1e4
    view.features[-1] = 1e6  # an outlier to decide on


def one_model(view):
    view.model_ids = view.model_ids[:1]
    view.Y, view.C = view.Y[:, :1].copy(), view.C[:, :1].copy()
    view.Y[:2] = [[0], [1]]


WORLDS = [
    one_class,
    ties_everywhere,
    graded_ties,
    some_unsolved,
    one_solved,
    a_model_known_nowhere,
    one_sample,
    two_samples_alike,
    no_dev,
    constant_features,
    zero_features,
    duplicate_samples,
    duplicate_columns,
    far_away_values,
    one_model,
]


def small(world: SimpleNamespace, name: str) -> RouterModule:
    """The router of a YAML, its hidden layers narrow: width is not what is tested here."""
    return world.build(name, **({"hidden": [8]} if "hidden" in world.node(name) else {}))


def fitted(world, router, view, *, trainer: bool):
    """Fit with or without a Trainer (which costs more than fitting, and which other tests are about)."""
    if trainer or not router.closed_form:
        return world.fit(router, view, TradeOff(0.3), max_epochs=1)
    data = world.data(router, view, TradeOff(0.3))
    batches = list(data.fitting_batches())
    empty = [torch.empty(len(batch["index"]), 0) for batch in batches]
    pieces = {key: [b.get(key, e) for b, e in zip(batches, empty, strict=True)] for key in TrainingArrays._fields}
    with torch.no_grad():
        router.bind(data.spec).fit_arrays(TrainingArrays(**{key: torch.cat(part) for key, part in pieces.items()}))
    return data


def decided(router, data):
    """Scores (n, M) and decisions (n,) on test."""
    asked = data.decision_data("test")
    with torch.inference_mode():
        scores = router.eval()(decision_batch(asked.rows(torch.arange(len(asked))), router.inputs))
    return scores, router.decide(scores)


@pytest.mark.parametrize("change", WORLDS, ids=lambda change: change.__name__)
def test_scores_are_numbers(world, router_name, change):
    """Twelve training samples or fewer: below every default number of neighbours and clusters."""
    view = cut(world.view(n=ROWS), train=12)
    change(view)
    router = small(world, router_name)
    data = fitted(world, router, view, trainer=change is no_dev)
    scores, chosen = decided(router, data)
    assert scores.shape == (data.split_size("test"), len(view.model_ids))
    assert not scores.isnan().any()
    assert not scores.isposinf().any()
    assert torch.isfinite(scores.gather(1, chosen.unsqueeze(1))).all(), "a model that is ruled out was chosen"


def test_the_one_model_that_is_always_right_is_chosen(world, router_name):
    """All others are always wrong, at the same cost: whoever learns from outcomes must see it."""
    view = cut(world.view(n=ROWS), train=12)
    one_class(view)
    view.C[:] = 1e-4
    router = small(world, router_name)
    if not router.closed_form:
        pytest.skip("one epoch on twelve samples is no training")
    share = (decided(router, fitted(world, router, view, trainer=False))[1] == 1).float().mean().item()
    assert (share == 1) is (router_name not in ("random", "cheapest_global"))
