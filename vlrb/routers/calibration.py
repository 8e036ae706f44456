"""Calibration of per-model probabilities: one slope for all logits and an offset per model, both held back."""

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit, xlog1py, xlogy
from torch import Tensor, nn

SLOPE_SPREAD = 0.1  # prior standard deviation of the slope's logarithm
OFFSET_SPREAD = 0.1  # prior standard deviation of an offset: a hundred samples move it by a quarter of what they show


class Calibration(nn.Module):
    """Map logits z to a·z + bₘ: Platt scaling with a common slope a and an offset per model (Platt, 1999).

    Fitted by maximum a posteriori with ln a ~ N(0, 0.1²) and bₘ ~ N(0, 0.1²): few samples change little, and none
    nothing. The slope's prior is narrow because the likelihood takes the models' answers to one sample as independent,
    which they are not, and so sees more evidence than there is. A slope alone is temperature scaling (Guo et al.,
    2017); it never changes which model is likeliest.

    Args:
        n_models: Number of models M.
    """

    slope: Tensor
    offset: Tensor

    def __init__(self, n_models: int) -> None:
        super().__init__()
        self.register_buffer("slope", torch.ones(()))
        self.register_buffer("offset", torch.zeros(n_models))

    def fit(self, logits: Tensor, y: Tensor) -> None:
        """Find slope and offsets.

        Args:
            logits: (n, M).
            y: (n, M) 1 = right, 0 = wrong, NaN = unknown (left out).
        """
        posterior = _Posterior(logits.double().cpu().numpy(), y.double().cpu().numpy())
        start = np.zeros(1 + y.shape[1])
        found = minimize(posterior, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-8, "ftol": 0.0})
        self.slope.fill_(float(np.exp(found.x[0])))
        self.offset.copy_(torch.from_numpy(found.x[1:]))

    def forward(self, logits: Tensor) -> Tensor:
        """Return calibrated logits (B, M)."""
        return self.slope * logits + self.offset


class _Posterior:
    """Minus the log posterior of (ln a, b₁, …, b_M) and its gradient, in float64."""

    def __init__(self, logits: np.ndarray, y: np.ndarray) -> None:
        self.known = ~np.isnan(y)
        self.z = np.where(self.known, logits, 0.0)
        self.y = np.where(self.known, y, 0.0)

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        slope = np.exp(x[0])
        p = expit(slope * self.z + x[1:])
        losses = -(xlogy(self.y, p) + xlog1py(1 - self.y, -p))
        residual = np.where(self.known, p - self.y, 0.0)
        priors = np.append(SLOPE_SPREAD, np.full(len(x) - 1, OFFSET_SPREAD)) ** -2.0
        value = float(losses[self.known].sum() + 0.5 * (priors * x**2).sum())
        gradient = np.append(slope * (residual * self.z).sum(), residual.sum(axis=0))
        return value, gradient + priors * x
