"""AdamW as routers use it: plain for small networks, by role and by layer for those with a backbone."""

from collections import defaultdict

import torch
from torch import nn

from vlrb.encoders.backbones.base import Backbone
from vlrb.routers.recipe import Recipe
from vlrb.routers.roles import decaying, layers_below_head


def adamw(module: nn.Module, lr: float, weight_decay: float) -> torch.optim.AdamW:
    """Return AdamW over the trainable parameters of a module; only matrices (two or more dimensions) decay.

    Args:
        module: The router.
        lr: Learning rate.
        weight_decay: Decoupled decay per unit of learning rate.
    """
    trainable = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=lr)


def layered_adamw(module: nn.Module, backbone: Backbone, recipe: Recipe) -> torch.optim.AdamW:
    """Return AdamW over the trainable parameters of a router with a backbone, decayed by role (see `decaying`).

    The rate of a block that lies k layers below the head is ``lr × layer_decay^k`` (Clark et al., ELECTRA, 2020); what
    is not of the backbone learns at `lr`.

    Args:
        module: The router.
        backbone: Its backbone, loaded.
        recipe: Rate, decay and factor per layer.
    """
    decays, below = decaying(module), layers_below_head(backbone)
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for parameter in module.parameters():
        if parameter.requires_grad:
            rate = recipe.lr * recipe.layer_decay ** below.get(id(parameter), 0)
            groups[rate, recipe.weight_decay if id(parameter) in decays else 0.0].append(parameter)
    return torch.optim.AdamW(
        [{"params": listed, "lr": rate, "weight_decay": decay} for (rate, decay), listed in groups.items()],
        lr=recipe.lr,
    )
