"""What a parameter is for and how far it is from the head: which ones decay, and at which rate each learns."""

from typing import Final

from torch import nn
from torch.nn.modules.conv import _ConvNd

from vlrb.encoders.backbones.base import Backbone

MATRICES: Final = (nn.Linear, nn.Bilinear, nn.MultiheadAttention, _ConvNd)


def decaying(module: nn.Module) -> set[int]:
    """Return the ids of the parameters that decay: weights of linear maps, convolutions and attention.

    All others keep their size: biases and norms; temperatures, tokens and other parameters that stand alone; and the
    tables of embeddings, since AdamW would shrink a row (of a rare token, say) in every step, seen in it or not.
    A parameter that several modules share decays only if it is such a weight in all of them.

    >>> both = nn.Sequential(nn.Embedding(3, 2), nn.Linear(2, 2), nn.LayerNorm(2))
    >>> [id(p) in decaying(both) for p in both.parameters()]  # table; weight, bias; weight, bias
    [False, True, False, False, False]
    """
    yes: set[int] = set()
    no: set[int] = set()
    for owner in module.modules():
        for name, parameter in owner.named_parameters(recurse=False):
            matrix = isinstance(owner, MATRICES) and name.endswith("weight")
            (yes if matrix else no).add(id(parameter))
    return yes - no


def layers_below_head(backbone: Backbone) -> dict[int, int]:
    """Return, by id of each parameter of a backbone, how many layers it is below the head: 1 for the last block.

    Parameters in two blocks count as in the lower one, those in none as in the lowest.
    """
    blocks = backbone.blocks()
    found = {id(parameter): max(1, len(blocks)) for parameter in backbone.parameters()}
    for below, block in enumerate(reversed(blocks), start=1):
        for module in block:
            found.update((id(parameter), below) for parameter in module.parameters())
    return found
