"""AdamW as routers use it: biases, norms and other vectors are not decayed."""

import torch
from torch import nn


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
