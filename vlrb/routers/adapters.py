"""Which part of a backbone learns: all of it, or what no checkpoint knows, with or without adapters of attention."""

from typing import Final

from torch import nn

from vlrb.encoders.backbones.base import Backbone
from vlrb.routers.recipe import Recipe
from vlrb.utils.errors import ConfigError

# How networks call the linear maps to queries and values (or to queries, keys and values at once).
QUERY_VALUE: Final = frozenset(
    {"query", "value", "q_proj", "v_proj", "q_lin", "v_lin", "to_q", "to_v", "q", "v", "qkv", "Wqkv", "in_proj_linear"}
)
SCALE: Final = 2  # an adapter's output counts this many times: lora_alpha = 2 × rank, as is common


def choose_trainable(backbone: Backbone, recipe: Recipe) -> None:
    """Leave those parameters of a loaded backbone trainable that the recipe wants, adding adapters where it asks.

    Raises:
        ConfigError: Adapters are asked for, and peft is not installed or there is no attention that they fit.
    """
    if recipe.freeze:
        backbone.requires_grad_(requires_grad=False)
    elif recipe.lora_rank:
        _add_adapters(backbone, recipe.lora_rank)
    for part in backbone.new_parts():  # random from the start: left as they are, they would only be in the way
        part.requires_grad_(requires_grad=True)


def attention_maps(backbone: nn.Module) -> list[str]:
    """Return the names of the linear maps to queries and values."""
    return [
        name
        for name, module in backbone.named_modules()
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in QUERY_VALUE
    ]


def _add_adapters(backbone: Backbone, rank: int) -> None:
    names = attention_maps(backbone)
    if not names:
        raise ConfigError(
            f"encoder.training.lora_rank: backbone {backbone.name!r} has no attention maps named as expected",
            "encoder.training.lora_rank=0 trains the whole backbone",
        )
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise ConfigError("encoder.training.lora_rank needs the package peft", 'pip install -e ".[lora]"') from error
    settings = LoraConfig(r=rank, lora_alpha=SCALE * rank, lora_dropout=0.0, target_modules=names)
    inject_adapter_in_model(settings, backbone)  # it also stops gradients of everything else
