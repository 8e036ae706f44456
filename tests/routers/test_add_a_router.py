"""The recipe in docs/add_a_router.md works to the letter."""

import importlib.util
import inspect
import re
import sys

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from vlrb.data.tradeoff import TradeOff
from vlrb.routers.checkpoint import load_router_weights, save_router
from vlrb.utils.cli import ROOT

TEXT = (ROOT / "docs" / "add_a_router.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[1]


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """The class of the first code block, imported from a file of that name."""
    path = tmp_path / "ridge.py"
    path.write_text(block("python"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("ridge", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ridge", module)
    spec.loader.exec_module(module)
    return module.RidgeRouter


def test_yaml_is_that_of_the_class(recipe):
    import yaml

    node = yaml.safe_load(block("yaml"))
    assert node.pop("_target_") == "vlrb.routers.ridge.RidgeRouter"
    parameters = inspect.signature(recipe).parameters
    assert node == {name: parameter.default for name, parameter in parameters.items()}


def test_recipe_against_scikit_learn(world, recipe, tmp_path):
    view, router = world.view(), recipe(alpha=3.0)
    data = world.fit(router, view, TradeOff(0.5))
    train, test = view.split == "train", view.split == "test"
    X, Z = view.features[view.rows[train]], view.features[view.rows[test]]
    mean, spread = X.mean(axis=0), X.std(axis=0)
    utility = view.Y[train] - 0.5 * view.C[train] * router.spec.trade_off.scale
    expected = Ridge(alpha=3.0).fit((X - mean) / spread, utility).predict((Z - mean) / spread)
    np.testing.assert_allclose(world.scores(router, data), expected, atol=1e-4)
    save_router(tmp_path, router)
    assert torch.equal(load_router_weights(tmp_path, recipe(alpha=3.0)).coefficients, router.coefficients)
