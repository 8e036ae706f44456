"""Seeded draws from the demo's model: contents, shared pictures, right or wrong, answer lengths."""

from dataclasses import dataclass

import numpy as np

from vlrb.demo import constants as k
from vlrb.demo.population import ability_margin, output_sigma

QUESTIONS_PER_PICTURE = (0.3, 0.3, 0.2, 0.2)  # share of pictures with 1, 2, 3 and 4 questions


@dataclass(frozen=True)
class DatasetDraw:
    """All that is random about one dataset, apart from wording and drawing.

    Args:
        name: Dataset key.
        picture: Picture number of each sample, shape (n,); samples of one picture are neighbours.
        codes: Attribute codes in the order of population.ATTRIBUTES, shape (n, 6).
        correct: Whether each model is right, shape (n, M), bool.
        output_tokens: Length of each answer in tokens, shape (n, M), at least 1.
    """

    name: str
    picture: np.ndarray
    codes: np.ndarray
    correct: np.ndarray
    output_tokens: np.ndarray


def generator(seed: int, *path: int) -> np.random.Generator:
    """Return an independent random stream for one part of the demo (same seed and path, same stream)."""
    return np.random.default_rng(np.random.SeedSequence((seed, *path)))


def draw_dataset(dataset: int, samples: int, seed: int) -> DatasetDraw:
    """Draw `samples` questions of dataset number `dataset`, several on one picture.

    y = 1[eta + √ρ·U + √(1−ρ)·E > 0] with U = √.5·V_picture + √.5·W_question, so P(y = 1 | content) = Phi(eta) exactly.
    """
    mix = k.DATASETS[dataset]
    rng = generator(seed, 0, dataset)
    picture = _picture_numbers(rng, samples)
    pictures = int(picture[-1]) + 1
    codes = np.stack(
        [
            _choices(rng, mix.skills, samples),
            _choices(rng, mix.depths, samples),
            rng.integers(2, size=samples),
            _choices(rng, mix.kinds, pictures)[picture],
            _choices(rng, mix.fines, pictures)[picture],
            rng.integers(2, size=pictures)[picture],
        ],
        axis=1,
    )
    of_picture, of_question = rng.standard_normal(pictures)[picture], rng.standard_normal(samples)
    shared = np.sqrt(k.PICTURE_DIFFICULTY) * of_picture + np.sqrt(1 - k.PICTURE_DIFFICULTY) * of_question
    own = rng.standard_normal((samples, len(k.MODELS)))
    rho = k.SHARED_DIFFICULTY
    correct = ability_margin(codes) + np.sqrt(rho) * shared[:, None] + np.sqrt(1 - rho) * own > 0
    return DatasetDraw(mix.name, picture, codes, correct, _output_tokens(rng, codes[:, 1]))


def _picture_numbers(rng: np.random.Generator, samples: int) -> np.ndarray:
    sizes = 1 + rng.choice(len(QUESTIONS_PER_PICTURE), size=samples, p=QUESTIONS_PER_PICTURE)
    return np.repeat(np.arange(samples), sizes)[:samples]


def _choices(rng: np.random.Generator, shares: tuple[float, ...], size: int) -> np.ndarray:
    return rng.choice(len(shares), size=size, p=np.asarray(shares) / np.sum(shares))


def _output_tokens(rng: np.random.Generator, depth: np.ndarray) -> np.ndarray:
    centre = np.log([m.output_median for m in k.MODELS]) + k.OUTPUT_DEPTH_GROWTH * depth[:, None]
    spread = np.array([output_sigma(m) for m in k.MODELS])
    length = np.exp(centre + spread * rng.standard_normal(centre.shape))
    return np.asarray(np.clip(np.rint(length), 1, k.MAX_OUTPUT_TOKENS), np.int64)
