"""Exact population figures of the demo's model: every combination of content attributes, enumerated.

The content of a sample is (skill, depth, focus) in the question and (kind, fineness, layout) in the picture. Given the
dataset they are drawn independently, so 1,080 cells × 14 datasets are the whole population. Tests and reports read the
best achievable accuracy from here; nothing is simulated.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr, roots_hermitenorm

from vlrb.demo import constants as k

ATTRIBUTES = ("skill", "depth", "focus", "kind", "fine", "layout")
TEXT_ATTRIBUTES = ATTRIBUTES[:3]
PICTURE_ATTRIBUTES = ATTRIBUTES[3:]
SIZES = (len(k.SKILLS), len(k.DEPTHS), len(k.FOCUSES), len(k.KINDS), len(k.FINES), len(k.LAYOUTS))


def ability_margin(codes: np.ndarray) -> np.ndarray:
    """Return eta (n, M), the probit of being right, from attribute codes (n, 6) in the order of ATTRIBUTES.

    eta = g + S[skill] + K[kind] − .7·D[depth]·u[skill]·(1.15 − R) − F[fine]·n[skill]·(1.15 − Z) + .25·q·z_t·z_p.
    """
    skill, depth, focus, kind, fine, layout = codes.T
    ability, reasoning, resolution, fusion = np.array(
        [(m.ability, m.reasoning, m.resolution, m.fusion) for m in k.MODELS]
    ).T
    by_skill = np.array([m.by_skill for m in k.MODELS]).T
    by_kind = np.array([m.by_kind for m in k.MODELS]).T
    steps = np.array(k.DEPTH_LOAD)[depth] * np.array(k.DEPTH_BY_SKILL)[skill]
    detail = np.array(k.FINE_LOAD)[fine] * np.array(k.FINE_BY_SKILL)[skill]
    product = np.array(k.SIGNS)[focus] * np.array(k.SIGNS)[layout]
    eta = ability + by_skill[skill] + by_kind[kind]
    eta -= k.DEPTH_PENALTY * steps[:, None] * (k.REASONING_PIVOT - reasoning)
    eta -= k.FINE_PENALTY * detail[:, None] * (k.RESOLUTION_PIVOT - resolution)
    eta += k.FUSION_GAIN * product[:, None] * fusion
    return np.asarray(eta)


def correct_probability(codes: np.ndarray) -> np.ndarray:
    """Return P(correct | content) = Phi(eta), shape (n, M)."""
    return np.asarray(ndtr(ability_margin(codes)))


@cache
def _length_table() -> np.ndarray:
    """Return E[output tokens] for every depth and model, shape (3, M): the exact sum over the distribution."""
    lengths = np.arange(2, k.MAX_OUTPUT_TOKENS + 1) - 0.5
    table = np.empty((len(k.DEPTHS), len(k.MODELS)))
    for depth in k.DEPTHS:
        for column, model in enumerate(k.MODELS):
            centre = np.log(model.output_median) + k.OUTPUT_DEPTH_GROWTH * depth
            sigma = output_sigma(model)
            table[depth, column] = 1 + ndtr((centre - np.log(lengths)) / sigma).sum()  # E[O] = Σ_k P(O ≥ k)
    return table


def output_sigma(model: k.ModelTraits) -> float:
    """Return the spread of a model's log output length."""
    return k.OUTPUT_SIGMA_THINKING if model.thinking else k.OUTPUT_SIGMA


def expected_output_tokens(depth: np.ndarray) -> np.ndarray:
    """Return E[max(1, round(median·e^(.35·depth)·e^(σN)))], shape (n, M), capped at the output limit."""
    return np.asarray(_length_table()[depth])


@dataclass(frozen=True)
class Population:
    """The enumerated population.

    Args:
        codes: Attribute codes of each cell, shape (1080, 6).
        weights: Probability of each dataset and cell, shape (14, 1080); sums to 1, equal weight per dataset.
        p: P(correct), shape (1080, M).
        cost: Expected cost in USD at the typical prompt length, shape (1080, M).
    """

    codes: np.ndarray
    weights: np.ndarray
    p: np.ndarray
    cost: np.ndarray

    @property
    def cell_weights(self) -> np.ndarray:
        """Return the probability of each cell over all datasets, shape (1080,)."""
        return np.asarray(self.weights.sum(axis=0))

    def restricted_accuracy(self, seen: tuple[str, ...], *, dataset: bool = False) -> float:
        """Return the accuracy of the best rule that sees only some attributes (and the dataset, if asked).

        max over models of the mean p within each distinguishable part of the population, weighted by its size.
        """
        weights = self.weights if dataset else self.cell_weights[None]
        columns = [ATTRIBUTES.index(name) for name in seen]
        sizes = [SIZES[c] for c in columns]
        part = np.ravel_multi_index(self.codes[:, columns].T, sizes) if columns else np.zeros(len(self.codes), int)
        member = np.equal.outer(np.arange(int(np.prod(sizes))), part).astype(float)
        return float(sum((member @ (w[:, None] * self.p)).max(axis=1).sum() for w in weights))

    def additive_accuracy(self) -> float:
        """Return the accuracy of choosing by p averaged over the focus × layout product, judged on the true p."""
        flipped = self.codes.copy()
        flipped[:, ATTRIBUTES.index("layout")] ^= 1
        margin = (ability_margin(self.codes) + ability_margin(flipped)) / 2
        chosen = margin.argmax(axis=1)
        return float(self.cell_weights @ self.p[np.arange(len(self.p)), chosen])

    def oracle_accuracy(self, nodes: int = 80) -> float:
        """Return P(some model is right): given the shared difficulty, models err independently (Gauss–Hermite)."""
        points, weights = roots_hermitenorm(nodes)
        shared = k.SHARED_DIFFICULTY
        margin = ability_margin(self.codes)
        failing = sum(
            weight * ndtr(-(margin + np.sqrt(shared) * point) / np.sqrt(1 - shared)).prod(axis=1)
            for point, weight in zip(points, weights / weights.sum(), strict=True)
        )
        return float(1 - self.cell_weights @ failing)


@cache
def population() -> Population:
    """Return the enumerated population with equal dataset weights."""
    codes = np.stack(np.unravel_index(np.arange(int(np.prod(SIZES))), SIZES), axis=1)
    focus, layout = np.full(2, 0.5), np.full(2, 0.5)
    weights = []
    for mix in k.DATASETS:
        marginals = (mix.skills, mix.depths, focus, mix.kinds, mix.fines, layout)
        weights.append(np.prod([np.array(m)[codes[:, j]] for j, m in enumerate(marginals)], axis=0))
    prices = np.array([m.price for m in k.MODELS]) / 1e6
    cost = (k.TEXT_TOKENS + k.PICTURE_TOKENS) * prices[:, 0] + expected_output_tokens(codes[:, 1]) * prices[:, 1]
    return Population(codes, np.array(weights) / len(k.DATASETS), correct_probability(codes), cost)
