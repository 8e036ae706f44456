"""What every router must keep to; each file in conf/router is found by listing the folder."""

import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vlrb.data.batch import OUTCOME_KEYS, decision_batch
from vlrb.data.tradeoff import TradeOff
from vlrb.routers.base import RouterModule
from vlrb.routers.checkpoint import load_router_weights, save_router
from vlrb.utils.errors import ConfigError
from vlrb.utils.instantiate import locate

EPOCHS = 3
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def fitted(world: SimpleNamespace):
    """Each router fitted once on the same view (few epochs for the ones that learn by gradients)."""
    view, cache = world.view(), {}

    def get(name: str) -> tuple[RouterModule, object]:
        if name not in cache:
            router = world.build(name)
            data = world.fit(router, view, max_epochs=None if router.closed_form else EPOCHS)
            cache[name] = (router, data)
        return cache[name]

    return get


def whole(data, split: str = "test"):
    decisions = data.decision_data(split)
    return decisions.rows(torch.arange(len(decisions)))


def pick(batch, positions):
    return {key: value[positions] for key, value in batch.items()}


def test_yaml_lists_every_constructor_argument(world, router_name):
    node = world.node(router_name)
    signature = inspect.signature(locate(node.pop("_target_"), "router"))
    assert set(node) == set(signature.parameters)
    assert not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())


def test_yaml_values_are_the_constructor_defaults(world, router_name):
    """A base file repeats the defaults; a variant (with a `defaults` list) changes something, and only what differs."""
    from omegaconf import OmegaConf

    from vlrb.utils.cli import ROOT

    raw = OmegaConf.to_container(OmegaConf.load(ROOT / "conf" / "router" / f"{router_name}.yaml"))
    bases = raw.pop("defaults", [])
    node = world.node(router_name)
    assert node["name"] == router_name
    bases = [base for base in bases if isinstance(base, str)]
    if bases:
        base = world.node(bases[0])
        assert all(base[key] != value for key, value in raw.items()), "a variant repeats a value of its base"
        return
    signature = inspect.signature(locate(node.pop("_target_"), "router"))
    for key, value in node.items():
        default = signature.parameters[key].default
        assert (list(default) if isinstance(default, tuple) else default) == value, key


def test_unknown_key_and_wrong_type_are_refused(world, router_name):
    with pytest.raises(ConfigError, match=r"unknown key 'router\.kk'"):
        world.build(router_name, kk=1)
    with pytest.raises(ConfigError, match=r"router\.name must be text"):
        world.build(router_name, name=3)


def test_scores_have_shape_and_are_numbers(fitted, router_name):
    router, data = fitted(router_name)
    batch = whole(data)
    with torch.inference_mode():
        out = router(decision_batch(batch, router.inputs))
    assert out.shape == (data.split_size("test"), data.spec.n_models)
    assert out.dtype == torch.float32
    assert torch.isfinite(out).all()
    chosen = router.decide(out)
    assert chosen.shape == (len(out),)
    assert chosen.min() >= 0
    assert chosen.max() < data.spec.n_models


@pytest.mark.parametrize("lam", [0.0, 2.0, float("inf")])
def test_any_trade_off_gives_scores(world, router_name, lam):
    router = world.build(router_name)
    data = world.fit(router, world.view(n=120), TradeOff(lam), max_epochs=1)
    out = world.scores(router, data)
    assert torch.isfinite(out).all()
    assert router.spec.trade_off.value == lam
    assert router.spec.trade_off.scale > 0


def test_batch_size_does_not_matter(fitted, router_name):
    """Each batch is made anew, so that padding to the longest prompt and the most pictures differs as well."""
    router, data = fitted(router_name)
    decisions = data.decision_data("test")
    n = len(decisions)

    def by(size: int) -> torch.Tensor:
        parts = [torch.arange(s, min(s + size, n)) for s in range(0, n, size)]
        with torch.inference_mode():
            return torch.cat([router(decision_batch(decisions.rows(part), router.inputs)) for part in parts])

    together = by(n)
    for other in (by(1), by(7)):
        assert (together - other).abs().max() <= TOLERANCE
        best = together.topk(2, dim=1).values
        clear = best[:, 0] - best[:, 1] > 2 * TOLERANCE
        assert torch.equal(router.decide(together)[clear], router.decide(other)[clear])


def test_raw_inputs_are_padded(world):
    """What the test above relies on: prompts of several lengths; samples without, with one and with two pictures."""
    router = world.build("vlc")
    decisions = world.data(router, world.view()).decision_data("test")
    batch = decisions.rows(torch.arange(len(decisions)))
    assert set(batch["picture_mask"].sum(dim=1).tolist()) == {0, 1, 2}
    assert len(set(batch["text_mask"].sum(dim=1).tolist())) > 2


def test_row_order_does_not_matter(fitted, router_name):
    router, data = fitted(router_name)
    batch = decision_batch(whole(data), router.inputs)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(batch["index"])))
    with torch.inference_mode():
        assert (router(batch)[order] - router(pick(batch, order))).abs().max() <= TOLERANCE


def test_thread_count_does_not_matter(fitted, router_name):
    router, data = fitted(router_name)
    batch = decision_batch(whole(data), router.inputs)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with torch.inference_mode():
                found.append(router(batch))
    finally:
        torch.set_num_threads(before)
    assert (found[0] - found[1]).abs().max() <= TOLERANCE


def test_deciding_sees_no_outcome(world, fitted, router_name):
    router, data = fitted(router_name)
    seen = []
    hook = router.register_forward_pre_hook(lambda _, args: seen.append(set(args[0])))
    world.scores(router, data)
    router.validation_step(whole_dev(data))
    hook.remove()
    router.dev_metrics.reset()
    allowed = {"Y", "C"} if router.is_bound else set()
    assert seen
    assert all(keys & OUTCOME_KEYS <= allowed for keys in seen)


def whole_dev(data):
    return next(iter(data.val_dataloader()))


def test_same_seed_same_scores_whatever_the_outcomes_on_test(world, fitted, router_name):
    """Fitted anew: the same scores, also with other outcomes on test. Only a bound may differ by those, and must."""
    router, data = fitted(router_name)
    view = world.view()
    test = view.split == "test"
    torch.manual_seed(12345)  # whatever was drawn before must not matter
    if router.is_bound:
        again = world.build(router_name)
        assert torch.equal(world.scores(router, data), world.scores(again, world.fit(again, view)))
    view.Y[test] = 1 - view.Y[test]
    view.C[test] = view.C[test][:, ::-1]
    other = world.build(router_name)
    changed = world.fit(other, view, max_epochs=None if other.closed_form else EPOCHS)
    same = torch.equal(world.scores(router, data), world.scores(other, changed))
    assert same is not router.is_bound


def test_only_the_oracle_is_a_bound(fitted, router_name):
    router, _ = fitted(router_name)
    assert router.is_bound == (router_name == "oracle")
    assert ("outcomes" in router.inputs) == router.is_bound


def test_missing_cells_are_survived(world, router_name):
    view = world.view(n=150)
    holes = np.random.default_rng(1).random(view.Y.shape) < 0.3
    view.Y[holes] = np.nan
    view.C[np.random.default_rng(2).random(view.C.shape) < 0.1] = np.nan
    router = world.build(router_name)
    data = world.fit(router, view, max_epochs=2)
    assert not world.scores(router, data).isnan().any()


def test_what_is_learnt_lies_in_buffers_and_parameters(world, fitted, router_name, tmp_path):
    router, data = fitted(router_name)
    for bank in (None, tmp_path / "banks"):
        save_router(tmp_path, router, bank)
        loaded = load_router_weights(tmp_path, world.build(router_name), bank)
        assert loaded.spec == router.spec
        assert torch.equal(world.scores(router, data), world.scores(loaded, data))


FRESH = """
import json, sys
import numpy as np, torch
from vlrb.routers.checkpoint import load_router_weights
from vlrb.utils.instantiate import build
torch.set_num_threads(1)
folders = json.loads(sys.argv[1])
for name, folder in folders.items():
    node = json.load(open(f"{folder}/node.json"))
    router = build(node, "router")
    if "raw" in router.inputs:  # what a run's config says of its encoder
        sys.path.insert(0, sys.argv[2])
        from conftest import attach
        attach(router)
    router = load_router_weights(folder, router)
    stored = np.load(f"{folder}/batch.npz")
    batch = {key: torch.from_numpy(stored[key]) for key in stored.files}
    with torch.inference_mode():
        np.save(f"{folder}/scores.npy", router(batch).numpy())
"""


@pytest.mark.process
def test_a_fresh_process_gives_equal_scores(world, fitted, tmp_path):
    folders, expected = {}, {}
    for name in world.names:
        router, data = fitted(name)
        folder = tmp_path / name
        save_router(folder, router)
        batch = decision_batch(whole(data), router.inputs)
        np.savez(folder / "batch.npz", **{key: value.numpy() for key, value in batch.items()})
        (folder / "node.json").write_text(json.dumps(world.node(name)))
        with torch.inference_mode():
            expected[name] = router(batch).numpy()
        folders[name] = str(folder)
    here = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", FRESH, json.dumps(folders), here], check=True)
    for name, folder in folders.items():
        np.testing.assert_allclose(
            np.load(f"{folder}/scores.npy"), expected[name], atol=TOLERANCE, rtol=0, err_msg=name
        )
