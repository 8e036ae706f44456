"""A fixed random projection: other coordinates for the same geometry, nothing fitted, nothing cut off."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@lru_cache(maxsize=8)
def sign_matrix(rows: int, columns: int, seed: int, stream: int = 0) -> np.ndarray:
    """Return a (rows, columns) float32 matrix of ±1/√columns, the same on every machine and with every NumPy.

    Independent fair signs keep lengths and angles as well as normal variates do (Achlioptas, "Database-friendly random
    projections", 2003; the lemma is Johnson and Lindenstrauss's, 1984): E|xR|² = |x|², with a relative standard
    deviation of at most √(2 / columns). They are the raw bits of PCG64, whose stream NumPy guarantees (that of its
    normal variates it does not).

    Args:
        rows: Width before.
        columns: Width after.
        seed: Any whole number from 0.
        stream: Tells apart matrices of one seed.
    """
    words = np.random.PCG64(np.random.SeedSequence((seed, stream))).random_raw(-(-rows * columns // 64))
    bits = np.unpackbits(words.astype("<u8").view(np.uint8), count=rows * columns, bitorder="little")
    matrix = (bits.reshape(rows, columns).astype(np.float32) * 2 - 1) / np.float32(np.sqrt(columns))
    matrix.setflags(write=False)
    return matrix


def project(rows: "Tensor", width: int, seed: int, stream: int = 0) -> "Tensor":
    """Return rows (B, D) as (B, width): projected by `sign_matrix`, or as they are if they have that width."""
    if rows.shape[1] == width:
        return rows
    import torch

    matrix = torch.tensor(sign_matrix(rows.shape[1], width, seed, stream))
    return rows @ matrix.to(rows)
