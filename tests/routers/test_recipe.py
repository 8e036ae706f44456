"""Recipes: which parameters decay, at which rate each learns, and how the rate goes over the steps."""

import pytest
import torch
from torch import nn

from vlrb.routers.optimizer import adamw, layered_adamw
from vlrb.routers.recipe import Recipe
from vlrb.routers.roles import decaying, layers_below_head
from vlrb.routers.schedule import rate_factor, scheduled
from vlrb.utils.errors import ConfigError


@pytest.fixture(scope="module")
def vlc(world):
    router = world.build("vlc")
    return router.bind(world.data(router, world.view(n=60)).spec)


def names_of(router, chosen: set[int]) -> set[str]:
    return {name for name, p in router.named_parameters() if id(p) in chosen}


def test_linear_maps_and_convolutions_decay_and_nothing_else(vlc):
    kept = names_of(vlc, {id(p) for p in vlc.parameters()} - decaying(vlc))
    assert {"head.linear.weight", "backbone.network.embeddings.word_embeddings.weight"} & kept == {
        "backbone.network.embeddings.word_embeddings.weight"
    }
    assert {"backbone.regions.nothing.weight", "backbone.regions.number.weight", "head.linear.bias"} <= kept
    owners = {name: vlc.get_submodule(name.rpartition(".")[0]) for name in kept if not name.endswith("bias")}
    allowed = (nn.Embedding, nn.LayerNorm, nn.GroupNorm)
    assert all(isinstance(m, allowed) for m in owners.values()), owners


def test_every_role_of_a_parameter():
    class Parts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.temperature = nn.Parameter(torch.zeros(()))
            self.models = nn.Parameter(torch.zeros(3, 4))
            self.attention = nn.MultiheadAttention(4, 2)
            self.table = nn.Embedding(3, 4)
            self.tied = nn.Linear(4, 3, bias=False)
            self.tied.weight = self.table.weight

    found = names_of(parts := Parts(), decaying(parts))
    assert found == {"attention.in_proj_weight", "attention.out_proj.weight"}


def bound(world, recipe: Recipe):
    router = world.build("vlc")
    router.attach(router.backbone, recipe)
    return router.bind(world.data(router, world.view(n=60)).spec)


@pytest.mark.parametrize("given", [{}, {"layer_decay": 0.5}, {"freeze": True}, {"layer_decay": 0.9, "lora_rank": 2}])
def test_every_trainable_parameter_is_in_exactly_one_group(world, given):
    router = bound(world, Recipe(**given))
    groups = layered_adamw(router, router.backbone, router.recipe).param_groups
    listed = [id(p) for group in groups for p in group["params"]]
    assert sorted(listed) == sorted(id(p) for p in router.parameters() if p.requires_grad)
    assert {group["weight_decay"] for group in groups} == {0.0, router.recipe.weight_decay}


def test_rates_fall_by_layer_from_the_head_to_the_input(world):
    """Blocks of the micro LXMERT: tower, inputs, a layer of each modality, one across, pooler and new parts."""
    router = bound(world, Recipe(lr=1.0, layer_decay=0.5))
    optimizer = layered_adamw(router, router.backbone, router.recipe)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    rate = {name: rates[id(p)] for name, p in router.named_parameters()}
    assert len(router.backbone.blocks()) == 5
    assert rate["head.linear.weight"] == rate["head.linear.bias"] == 1.0
    assert {v for k, v in rate.items() if ".pooler." in k} == {0.5}
    assert {v for k, v in rate.items() if ".x_layers." in k} == {0.25}
    assert {v for k, v in rate.items() if ".encoder.layer." in k or ".r_layers." in k} == {0.125}
    assert {v for k, v in rate.items() if ".embeddings." in k or ".visn_fc." in k} == {0.0625}
    assert {v for k, v in rate.items() if ".tower." in k} == {0.03125}
    assert rate["backbone.regions.nothing.weight"] == 0.5  # what no checkpoint knows learns as fast as the last


def test_a_parameter_in_two_blocks_counts_as_in_the_lower_one():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)

    class Two(nn.Module):
        def blocks(self) -> list[list[nn.Module]]:
            return [[first], [second, first]]

    below = layers_below_head(Two())  # type: ignore[arg-type]
    assert (below[id(first.weight)], below[id(second.weight)]) == (2, 1)


def test_small_networks_keep_their_two_groups():
    module = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))
    groups = adamw(module, 0.1, 0.3).param_groups
    assert [(len(g["params"]), g["weight_decay"], g["lr"]) for g in groups] == [(1, 0.3, 0.1), (3, 0.0, 0.1)]


def test_the_rate_rises_and_falls_as_computed_by_hand():
    """10 steps, 20 % warm-up: 1/2, 1, then 8 steps down."""
    linear = [rate_factor(step, 10, 2, "linear") for step in range(10)]
    assert linear == pytest.approx([0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])
    cosine = [rate_factor(step, 10, 2, "cosine") for step in range(2, 10, 2)]
    assert cosine == pytest.approx([1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2])
    assert [rate_factor(step, 10, 2, "constant") for step in (0, 1, 9, 99)] == [0.5, 1, 1, 1]
    assert rate_factor(10, 10, 2, "cosine") == rate_factor(50, 10, 2, "linear") == 0


def test_each_group_has_the_schedule_of_its_own_rate():
    layer = nn.Linear(1, 1)
    groups = [{"params": [layer.weight], "lr": 0.5}, {"params": [layer.bias], "lr": 1.0}]
    optimizer = torch.optim.SGD(groups)
    schedule = scheduled(optimizer, Recipe(warmup=0.5, schedule="linear"), 4)
    rates = []
    for _ in range(4):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    assert rates == [[0.25, 0.5], [0.5, 1.0], [0.5, 1.0], [0.25, 0.5]]


def test_a_training_without_end_has_no_schedule():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1)
    with pytest.raises(ConfigError, match=r"trainer\.max_epochs"):
        scheduled(optimizer, Recipe(), float("inf"))


@pytest.mark.parametrize(
    ("key", "value"),
    [("lr", 0.0), ("warmup", 1.0), ("gradient_clip", 0.0), ("layer_decay", 1.5), ("patience", 0), ("lora_rank", -1)],
)
def test_numbers_out_of_range_are_refused(key, value):
    with pytest.raises(ConfigError, match=rf"encoder\.training\.{key} must be"):
        Recipe(**{key: value})


def test_frozen_and_adapted_exclude_one_another():
    with pytest.raises(ConfigError, match="choose one"):
        Recipe(freeze=True, lora_rank=4)
