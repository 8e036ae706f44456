"""An ensemble of multilayer perceptrons of one shape, computed as one network."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MemberLayer(nn.Module):
    """One linear map per member.

    The biases are kept flat, so that an optimiser that decays matrices alone leaves them alone (see `adamw`).

    Args:
        members: Number of maps K.
        inputs: Width of the input I.
        outputs: Width of the output O.
    """

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.members, self.outputs = members, outputs
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members * outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, I), the same for all members, or (K, B, I) to (K, B, O)."""
        bias = self.bias.view(self.members, 1, self.outputs)
        if x.dim() == 2 and not self.training:
            x = x.expand(self.members, *x.shape)  # the weights of a decision are read once and never copied
        if x.dim() == 3:
            return torch.baddbmm(bias, x, self.weight)
        side_by_side = self.weight.permute(1, 0, 2).reshape(x.shape[1], -1)  # one product for all members
        return (x @ side_by_side).view(len(x), self.members, self.outputs).permute(1, 0, 2) + bias


class Members(nn.Module):
    """K perceptrons with ReLU between the layers and dropout on inputs and hidden units.

    They share batches and the mask of the inputs; starting weights and the masks of hidden units are their own.

    Args:
        members: Number of networks K.
        widths: Width of the input, of each hidden layer, and of the output.
        dropout: Share of hidden units dropped while training.
        input_dropout: Share of inputs dropped while training.
    """

    def __init__(self, members: int, widths: Sequence[int], dropout: float, input_dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(MemberLayer(members, inputs, outputs) for inputs, outputs in pairwise(widths))
        self.dropout = dropout
        self.input_dropout = input_dropout

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (K, B, O) for inputs (B, I)."""
        hidden = self.layers[0](F.dropout(x, self.input_dropout, self.training))
        for layer in self.layers[1:]:
            hidden = layer(F.dropout(F.relu(hidden), self.dropout, self.training))
        return torch.as_tensor(hidden)


def mean_probability_logit(logits: Tensor) -> Tensor:
    """Return the logit (B, M) of the members' mean probability, from their logits (K, B, M).

    In log space, so that no probability has to be cut off: logit p̄ = log Σ σ(zₖ) − log Σ σ(−zₖ).

    >>> z = torch.tensor([0.8, 0.4]).logit().view(2, 1, 1)
    >>> round(float(mean_probability_logit(z).sigmoid()), 4)
    0.6
    """
    return torch.logsumexp(F.logsigmoid(logits), dim=0) - torch.logsumexp(F.logsigmoid(-logits), dim=0)
