"""The learning rate over the steps of the optimiser: it rises, then falls or stays."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from vlrb.routers.recipe import Recipe, Schedule
from vlrb.utils.errors import ConfigError


def rate_factor(step: int, steps: int, warmup: int, schedule: Schedule) -> float:
    """Return the share of the highest rate at a step.

    It rises evenly to 1 at the last of the `warmup` steps, and the fall would reach 0 just after the last step, so that
    no step is lost at a rate of 0.

    Args:
        step: Step of the optimiser, from 0.
        steps: Number of steps.
        warmup: Number of steps in which the rate rises.
        schedule: What it does then.

    >>> [round(rate_factor(step, 6, 2, "linear"), 2) for step in range(7)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    >>> [round(rate_factor(step, 4, 0, "cosine"), 2) for step in range(5)]  # (1 + cos(π·step/4)) / 2
    [1.0, 0.85, 0.5, 0.15, 0.0]
    """
    if step < warmup:
        return (step + 1) / warmup
    if schedule == "constant":
        return 1.0
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    return 1.0 - done if schedule == "linear" else (1.0 + math.cos(math.pi * done)) / 2


def scheduled(optimizer: Optimizer, recipe: Recipe, steps: float) -> LambdaLR:
    """Return the schedule of a recipe, to be stepped after every step of the optimiser.

    Args:
        optimizer: Each group's own rate is its highest.
        recipe: Warm-up and shape.
        steps: Steps of the optimiser over the whole training.

    Raises:
        ConfigError: There is no end to the training, so that nothing can be shared out.
    """
    if not math.isfinite(steps):
        raise ConfigError("trainer.max_epochs must be a number of epochs: the learning rate is spread over them")
    total = max(1, int(steps))
    warmup = round(recipe.warmup * total)
    return LambdaLR(optimizer, lambda step: rate_factor(step, total, warmup, recipe.schedule))
