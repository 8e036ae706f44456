"""RouterDC and its published simplification, against plain loops over samples."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vlrb.data.tradeoff import TradeOff
from vlrb.routers.contrastive import negative_models, positive_models
from vlrb.routers.routerdc import RouterDCRouter
from vlrb.routers.routerdc_reference import PublishedRouterDC
from vlrb.tasks.fit import make_data
from vlrb.tasks.train import needs_features
from vlrb.utils.errors import ConfigError

NAN = float("nan")
B, D, M = 12, 4, 5


def case(world, which="routerdc", lam=0.5, seed=0, grouped=True, **options):
    """A router in evaluation and a batch with unknown cells, an unsolved row and one that every model solves."""
    rng = np.random.default_rng(seed)
    Y, C = rng.choice([0.0, 1.0, 1.0, NAN], (B, M)), rng.uniform(0.5, 3, (B, M)) * 1e-4
    Y[0], Y[1] = 0, 1
    features = torch.from_numpy(rng.normal(size=(B, 3)).astype(np.float32))
    router = world.on_rows(world.build(which, **options), D, M, lam, width=3).eval()
    batch = world.rows_batch(router, rng.normal(size=(B, D)), Y, C, features=features)
    if grouped:
        router.prepare([batch])
    return router, batch


def cosines(x):
    x = np.asarray(x, dtype=np.float64)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return x @ x.T


def model_losses(batch, s, k_near=3, k_far=3):
    """Sample–model losses by the formula; NaN where a sample has none."""
    p, n = positive_models(batch["targets"], batch["Y"], k_near), negative_models(batch["Y"], k_far)
    found = np.full(len(s), NAN)
    for i in range(len(s)):
        against = sum(float(n[i, m]) * np.exp(s[i, m]) for m in range(s.shape[1]))
        if against > 0 and p[i].sum() > 0:
            found[i] = -sum(
                float(p[i, m]) * np.log(np.exp(s[i, m]) / (np.exp(s[i, m]) + against)) for m in range(s.shape[1])
            )
    return found


def sample_losses(rows, cluster):
    """Sample–sample losses with every sample of another cluster as a negative; NaN where a sample has none."""
    s, found = cosines(rows), np.full(len(rows), NAN)
    for i in range(len(s)):
        near = [j for j in range(len(s)) if cluster[j] == cluster[i] and j != i]
        far = [j for j in range(len(s)) if cluster[j] != cluster[i]]
        if near and far:
            against = sum(np.exp(s[i, k]) for k in far)
            found[i] = np.mean([-np.log(np.exp(s[i, j]) / (np.exp(s[i, j]) + against)) for j in near])
    return found


@pytest.mark.parametrize("seed", range(4))
def test_loss_equals_the_formula(world, seed):
    router, batch = case(world, seed=seed, far_samples=99, cluster_weight=0.7, clusters=4)
    found = router.objective(batch)
    models = model_losses(batch, found.scores.detach().double().numpy())
    samples = sample_losses(batch["pixels"].numpy(), router.query_clusters(batch["features"]).tolist())
    assert np.isnan(models[:2]).all()  # none right; none wrong
    either = ~(np.isnan(models) & np.isnan(samples))
    expected = (np.nan_to_num(models) + 0.7 * np.nan_to_num(samples)).sum() / either.sum()
    assert found.loss.item() == pytest.approx(expected, rel=1e-5)
    assert found.weight.item() == either.sum()


def test_parts_of_a_batch_weigh_up_to_the_whole(world):
    """What several devices rely on: the mean over all rows is the mean of the shares by their weights."""
    router, batch = case(world, cluster_weight=0.0)
    whole = router.objective(batch)
    shares = [router.objective({k: v[rank::3] for k, v in batch.items()}) for rank in range(3)]
    assert sum(share.weight for share in shares) == whole.weight
    mean = sum(share.loss * share.weight for share in shares) / whole.weight
    torch.testing.assert_close(mean, whole.loss)


def test_order_of_samples_and_of_models_does_not_matter(world):
    router, batch = case(world, far_samples=99)
    rows = torch.randperm(B, generator=torch.Generator().manual_seed(1))
    found, shuffled = router.objective(batch), router.objective({k: v[rows] for k, v in batch.items()})
    torch.testing.assert_close(shuffled.loss, found.loss)
    columns = torch.tensor([4, 2, 0, 1, 3])
    with torch.no_grad():
        router.head.embeddings.copy_(router.head.embeddings[columns])
    other = router.objective({**batch, **{k: batch[k][:, columns] for k in ("Y", "C", "targets")}})
    torch.testing.assert_close(other.loss, found.loss)
    torch.testing.assert_close(other.scores, found.scores[:, columns])


def test_loss_moves_continuously_with_the_trade_off_and_the_published_one_does_not(world):
    """Same scores, λ from 0 to ∞. The published loss is a constant for all λ in (0, ∞) and jumps at 0."""
    grid = [0.0, 1e-6, *np.linspace(0.05, 3, 60), 300.0, float("inf")]

    def losses(which):
        router, batch = case(world, which, grouped=False, cluster_weight=0.0)
        with torch.no_grad():
            router.head.embeddings.copy_(torch.linspace(-1, 1, M * D).reshape(M, D).sin())
        found = []
        for lam in grid:
            rule = TradeOff(lam, cost_scale=1e4)
            router._spec = replace(router.spec, trade_off=rule)
            soft = torch.from_numpy(rule.targets(batch["Y"].numpy(), batch["C"].numpy()).targets)
            found.append(router.objective({**batch, "targets": soft}).loss.item())
        return np.array(found)

    ours, published = losses("routerdc"), losses("routerdc_reference")
    assert abs(ours[1] - ours[0]) < 1e-4  # no jump at 0
    assert abs(ours[-1] - ours[-2]) < 1e-4  # nor at ∞
    assert np.abs(np.diff(ours[1:-2])).max() < 0.1 * np.ptp(ours)
    assert len(set(ours[1:-2].round(6))) == len(grid) - 3
    assert np.ptp(published[1:-2]) < 1e-5
    assert abs(published[1] - published[0]) > 0.01
    assert published[-1] == pytest.approx(published[0])  # uniform over the right ones, as published


def test_nothing_to_learn_is_no_loss_and_no_pull(world):
    router, batch = case(world, cluster_weight=0.0)
    for Y in (torch.zeros(B, M), torch.ones(B, M), torch.full((B, M), NAN)):
        router.zero_grad()
        found = router.objective({**batch, "Y": Y})
        found.loss.backward()
        assert (found.loss.item(), found.weight.item()) == (0, 0)
        assert not router.head.embeddings.grad.any()


def test_a_batch_of_one_and_more_places_than_models(world):
    router, batch = case(world, near_models=50, far_models=50, far_samples=50)
    alone = router.objective({k: v[5:6] for k, v in batch.items()})
    assert alone.loss.isfinite()
    assert router.objective(batch).loss.isfinite()


def test_far_samples_are_drawn_by_the_step_in_training_and_the_same_each_time_on_dev(world):
    router, batch = case(world, far_samples=1, cluster_weight=1.0)
    assert router.objective(batch).loss == router.objective(batch).loss
    router.train()
    torch.manual_seed(0)
    first, second = router.objective(batch).loss, router.objective(batch).loss
    torch.manual_seed(0)
    assert first != second
    assert router.objective(batch).loss == first


def test_large_logits_and_low_precision(world):
    router, batch = case(world)
    with torch.no_grad():
        router.head.log_temperature.fill_(-99)
    expected = router.objective(batch)
    assert expected.loss.isfinite()
    assert expected.scores.abs().max() <= 100.001
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = router.objective(batch)
    assert low.loss.dtype == torch.float32
    torch.testing.assert_close(low.loss, expected.loss)


def test_features_are_for_learning_alone(world):
    router, batch = case(world)
    assert RouterDCRouter.learns_from == {"features"}
    assert "features" not in RouterDCRouter.inputs | PublishedRouterDC.inputs | PublishedRouterDC.learns_from
    decision = {k: v for k, v in batch.items() if k not in ("features", "Y", "C", "targets", "weight", "dataset")}
    assert torch.equal(router(decision), router(batch))


def test_a_trained_one_decides_without_frozen_features(world):
    """Its data are made of prompts and pictures alone, and the scores are those with features at hand."""
    view, router = world.view(n=40), world.build("routerdc")
    with_features = world.data(router, view)
    router.bind(with_features.spec).eval()
    raw = world.sources(router, view)["raw"]
    data = make_data(router, view, {"raw": raw}, with_features.spec.trade_off, 0, with_features.spec)
    assert router.spec.feature_dim == 10
    assert torch.equal(world.scores(router, data), world.scores(router, with_features))
    config = {"router": {"_target_": "vlrb.routers.routerdc.RouterDCRouter"}}
    assert (needs_features(config), needs_features(config, learning=False)) == (True, False)


@pytest.mark.parametrize("seed", range(3))
def test_published_loss_equals_the_formula(world, seed):
    router, batch = case(world, "routerdc_reference", seed=seed, near_models=2)
    found = router.objective(batch)
    z, S = found.scores.detach().double().numpy(), batch["targets"].numpy()
    solved = [i for i in range(B) if S[i].sum() > 0]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    models = []
    for i in solved:
        right = sorted((m for m in range(M) if S[i, m] > 0), key=lambda m: -S[i, m])[:2]
        rest = [m for m in range(M) if S[i, m] == 0]  # a place that no right model takes is shared by the others
        share = (2 - len(right)) / max(len(rest), 1)
        models.append(-np.log(p[i, right].sum() + share * p[i, rest].sum()))
    label, s, samples = router.outcome_clusters(router.preference(batch)).tolist(), np.exp(cosines(z)), []
    for i in solved:
        near = [j for j in solved if j != i and label[j] == label[i]]
        if near:
            samples.append(-np.log(s[i, near].sum() / s[i, solved].sum()))
    assert found.loss.item() == pytest.approx(np.mean(models) + np.mean(samples), rel=1e-5)
    assert found.weight.item() == len(solved)


@pytest.mark.parametrize(
    ("which", "option", "value"),
    [
        ("routerdc", "near_models", 0),
        ("routerdc", "far_models", 0),
        ("routerdc", "far_samples", 0),
        ("routerdc", "clusters", 1),
        ("routerdc", "cluster_weight", -0.1),
        ("routerdc_reference", "near_models", 0),
        ("routerdc_reference", "clusters", 0),
        ("routerdc_reference", "cluster_weight", -1.0),
    ],
)
def test_options_out_of_range(world, which, option, value):
    with pytest.raises(ConfigError, match=rf"router\.{option} must be at least"):
        world.build(which, **{option: value})
