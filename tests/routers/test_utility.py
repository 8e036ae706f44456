"""The utility router: its objective by hand, what it converges to, and what it does with dev and with unknown cells."""

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vlrb.data.batch import group_halves, sample_keys
from vlrb.data.spec import DataSpec
from vlrb.data.tradeoff import TradeOff
from vlrb.metrics.bounds import CostBounds
from vlrb.routers.linear import LinearRouter
from vlrb.routers.utility import UtilityRouter
from vlrb.routers.utility_rule import expected_utility
from vlrb.utils.errors import ConfigError, StateError

NAN = math.nan


def small(**given) -> UtilityRouter:
    return UtilityRouter(**{"hidden": [], "members": 1, "dropout": 0.0, "input_dropout": 0.0, **given})


def view_of(features: np.ndarray, Y: np.ndarray, C: np.ndarray, dev: float = 0.2) -> SimpleNamespace:
    """A view of given samples; the router tests leave three rows before them."""
    n, m = Y.shape
    split = np.where(np.random.default_rng(5).random(n) < dev, "dev", "train")
    return SimpleNamespace(
        rows=np.arange(3, n + 3),
        sample_ids=np.array([f"set/{i}" for i in range(n)]),
        model_ids=tuple("ABCDEFGHIJKLMN"[:m]),
        Y=Y.astype(np.float32),
        C=C.astype(np.float64),
        split=split,
        split_group=np.arange(n),
        dataset=np.zeros(n, dtype=np.int64),
        dataset_names=("set",),
        bounds=CostBounds(1e-5, 1e-3, "made"),
        fingerprint="made",
        features=np.concatenate([np.zeros((3, features.shape[1])), features]).astype(np.float32),
    )


def test_objective_by_hand():
    """Two models, two rows; with all weights 0 the logits are the priors and the cost ratios are 1.

    Priors: p = .8 (logit ln 4) and .5. Cross-entropy: A right −ln .8 = .2231, A wrong −ln .2 = 1.6094, B right ln 2 =
    .6931, B unknown. Cost ratios to the mean training costs (2, 4): A 1 and 2, B 3: half deviances r·ln r − r + 1 = 0,
    .3863, 1.2958. Sum 4.2077 over 3 known cells.
    """
    spec = DataSpec(("A", "B"), ("set",), 2, (2.0, 4.0), TradeOff(0.5, cost_scale=0.1), CostBounds(1, 9, "x"), 0, "x")
    router = small().bind(spec)
    router.prior.copy_(torch.tensor([math.log(4), 0.0]))
    for parameter in router.parameters():
        torch.nn.init.zeros_(parameter)
    batch = {
        "index": torch.arange(2),
        "features": torch.randn(2, 2),
        "Y": torch.tensor([[1.0, 0.5], [0.4, NAN]]),
        "C": torch.tensor([[2.0, 12.0], [4.0, NAN]]),
    }
    found = router.objective(batch)
    assert found.loss.item() == pytest.approx((0.2231 + 1.6094 + 0.6931 + 0.0 + 0.3863 + 1.2958) / 3, abs=1e-4)
    assert float(found.weight) == 3
    # p̂ − λ·ĉ·scale: .8 − .5·2·.1 and .5 − .5·4·.1
    assert found.scores.tolist() == pytest.approx([pytest.approx([0.7, 0.3])] * 2)
    router.eval()
    on_dev = router.objective({**batch, "dev_half": torch.tensor([1, 0])})
    assert on_dev.loss.item() == pytest.approx(1.6094 + 0.3863, abs=1e-4)  # the second row alone, one known cell


def test_estimates_go_to_the_truth(world):
    """Three kinds of sample, one that nobody solves; costs are skewed, and the mean is estimated, not the median."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 8000)
    p = np.array([[0.9, 0.4], [0.2, 0.7], [0.0, 0.0]])
    mean = np.array([[1e-4, 8e-4], [3e-4, 2e-4], [1e-4, 1e-4]])
    Y = rng.random((8000, 2)) < p[kind]
    C = mean[kind] * rng.lognormal(-0.5, 1.0, (8000, 2))  # its mean is 1, its median .61
    view = view_of(np.eye(3)[kind].repeat(2, axis=1), Y, C, dev=0.0)
    router = small(lr=0.03, weight_decay=0.0, batch_size=2048, max_epochs=40, calibrate=False)
    world.fit(router, view, TradeOff(0.5))
    one_of_each = torch.eye(3).repeat_interleave(2, dim=1)
    with torch.inference_mode():
        found = router.estimates({"features": one_of_each})
    np.testing.assert_allclose(found.accuracy, p, atol=0.035)
    np.testing.assert_allclose(found.cost, mean, rtol=0.12)


def test_it_is_consistent_where_soft_targets_are_not(world):
    """A is right with .6, always together with ten others; L is right exactly where they are wrong (.4).

    Soft targets give a sample's whole mass to L where it is alone, and an eleventh to A: .055 against .4.
    """
    rng = np.random.default_rng(0)
    together = rng.random(1500) < 0.6
    Y = np.concatenate([np.repeat(together[:, None], 11, axis=1), ~together[:, None]], axis=1)
    view = view_of(rng.normal(size=(1500, 5)) * 0.01, Y, np.full(Y.shape, 1e-4))
    view.C[:, -1] = 2e-4  # ties to the cheaper, so that L is never chosen for its price
    chosen = {}
    for router in (small(max_epochs=5), LinearRouter()):
        data = world.fit(router, view, TradeOff(0.0))
        decision = router.decide(world.scores(router, data, "dev"))
        chosen[router.name] = float((decision == 11).float().mean())
    assert chosen["utility"] == 0.0
    assert chosen["linear"] == 1.0


def test_the_two_uses_of_dev_see_different_samples(world):
    """Other outcomes in the half for calibration: the same heads. In the half for the dev loss: not."""
    view = world.view(n=400)
    half = group_halves(sample_keys(view.sample_ids), view.split_group)
    dev = view.split == "dev"
    assert min((half[dev] == side).sum() for side in (0, 1)) > 10
    assert all(len(set(half[view.split_group == group])) == 1 for group in set(view.split_group[dev]))

    def heads_and_calibration(flipped: int | None):
        changed = world.view(n=400)
        if flipped is not None:
            rows = dev & (half == flipped)
            changed.Y[rows] = 1 - changed.Y[rows]
        router = UtilityRouter(hidden=[16], lr=0.01, patience=2, max_epochs=12)
        world.fit(router, changed)
        heads = torch.cat([p.detach().flatten() for p in router.parameters()])
        return heads, torch.cat([router.calibration.slope.view(1), router.calibration.offset])

    plain, for_loss, for_calibration = (heads_and_calibration(side) for side in (None, 0, 1))
    assert torch.equal(plain[0], for_calibration[0])
    assert not torch.equal(plain[1], for_calibration[1])
    assert not torch.equal(plain[0], for_loss[0])


def test_a_higher_price_of_cost_never_raises_the_mean_expected_cost(world):
    router = world.build("utility", max_epochs=3)
    data = world.fit(router, world.view())
    batch = data.decision_data("test").rows(torch.arange(data.split_size("test")))
    with torch.inference_mode():
        expected = router.estimates(batch)
        paid = []
        for mu in [0.0, *np.logspace(-3, 3, 40), math.inf]:
            scores = router.with_trade_off(float(mu))(batch)
            assert torch.equal(scores, expected_utility(*expected, router.spec.trade_off))
            paid.append(float(expected.cost.gather(1, router.decide(scores)[:, None]).mean()))
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(paid))
    assert paid[-1] < paid[0]
    assert paid[-1] == pytest.approx(float(expected.cost.min(dim=1).values.mean()))


def test_models_of_unknown_outcome_or_cost(world):
    """A: never graded; B: no cost known; C: free; D: as usual."""
    rng = np.random.default_rng(0)
    Y = (rng.random((300, 4)) < np.array([0.5, 0.95, 0.4, 0.6])).astype(np.float32)
    C = np.full((300, 4), 1e-4)
    Y[:, 0], C[:, 1], C[:, 2] = NAN, NAN, 0.0
    view = view_of(rng.normal(size=(300, 6)), Y, C)
    router = small(max_epochs=3)
    data = world.fit(router, view, TradeOff(0.0))
    batch = data.decision_data("dev").rows(torch.arange(data.split_size("dev")))
    with torch.inference_mode():
        accuracy, cost = router.estimates(batch)
        assert (accuracy[:, 0] == 0).all()
        assert torch.isinf(cost[:, 1]).all()
        assert (cost[:, 2] == 0).all()
        assert (router.decide(router(batch)) == 1).all()  # λ=0: the likeliest, whatever it costs
        assert not (router.decide(router.with_trade_off(0.1)(batch)) == 1).any()
        assert (router.decide(router.with_trade_off(math.inf)(batch)) == 2).all()


def test_expected_costs_stay_within_what_was_seen(world):
    view = world.view(n=200)
    router = small(lr=0.1, max_epochs=5)
    world.fit(router, view)
    train = view.C[view.split == "train"].astype(np.float32)
    with torch.inference_mode():
        cost = router.estimates({"features": torch.randn(50, 10) * 1e4}).cost.numpy()
    assert (cost >= train.min(axis=0) * (1 - 1e-5)).all()
    assert (cost <= train.max(axis=0) * (1 + 1e-5)).all()


def test_without_dev_it_learns_and_says_so(world, capsys):
    view = world.view(n=150)
    view.split[view.split == "dev"] = "train"
    router = world.build("utility_linear")
    data = world.fit(router, view, max_epochs=2)
    assert "not calibrated: no dev sample" in capsys.readouterr().out
    assert float(router.calibration.slope) == 1.0
    assert torch.isfinite(world.scores(router, data)).all()


def test_several_devices_learn_what_one_does(world):
    """The mean over devices of (loss · share) is the loss of the whole batch, however the known cells fall."""
    router = UtilityRouter(hidden=[8], members=2, dropout=0.0, input_dropout=0.0)
    view = world.view(n=60)
    view.Y[np.random.default_rng(0).random(view.Y.shape) < 0.4] = NAN
    data = world.data(router, view)
    router.bind(data.spec)
    router.prepare(data.fitting_batches())
    batch = next(iter(data.fitting_batches()))
    whole = router.objective(batch)
    shares = [router.objective({key: value[rank::2] for key, value in batch.items()}) for rank in (0, 1)]
    total = sum(share.weight for share in shares)
    assert float(total) == float(whole.weight)
    assert float(sum(share.loss * share.weight for share in shares).item() / total) == pytest.approx(
        whole.loss.item(), rel=1e-5
    )


@pytest.mark.parametrize(
    "given", [{"hidden": [0]}, {"members": 0}, {"dropout": 1.0}, {"input_dropout": -0.1}, {"clip": 0.0}, {"lr": NAN}]
)
def test_numbers_out_of_range(given):
    with pytest.raises(ConfigError, match=rf"router\.{next(iter(given))} must be at least|router\.\w+ must be above"):
        UtilityRouter(**given)


def test_reweighing_is_what_training_at_that_trade_off_gives(world, router_name):
    """Routers that say so have λ in their decision alone; the others refuse."""
    router, epochs = world.build(router_name), None
    if not router.closed_form:
        epochs = 2
    data = world.fit(router, world.view(n=150), TradeOff(0.0), max_epochs=epochs)
    if not router.can_reweigh:
        with pytest.raises(StateError, match="cannot be given another λ"):
            router.with_trade_off(1.0)
        assert router.estimates(data.decision_data("test").rows([0])) is None
        return
    other = world.build(router_name)
    trained = world.scores(other, world.fit(other, world.view(n=150), TradeOff(2.0), max_epochs=epochs))
    reweighed = world.scores(router.with_trade_off(2.0), data)
    assert torch.equal(reweighed, trained)
    batch = data.decision_data("test").rows(torch.arange(data.split_size("test")))
    with torch.inference_mode():
        expected = router.estimates(batch)
    assert router.spec.trade_off.value == 2.0
    assert expected.accuracy.min() >= 0
    assert expected.accuracy.max() <= 1
    torch.testing.assert_close(expected_utility(*expected, router.spec.trade_off), trained)
