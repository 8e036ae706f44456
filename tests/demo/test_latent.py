"""Draws follow the model: marginals, shared pictures, shared difficulty."""

import numpy as np
import pytest

from vlrb.demo import constants as k
from vlrb.demo.latent import draw_dataset
from vlrb.demo.population import ATTRIBUTES, correct_probability, expected_output_tokens

BIG = [draw_dataset(number, 4000, seed=1) for number in range(14)]


def test_same_seed_same_draw_and_other_seeds_differ() -> None:
    first, again, other = (draw_dataset(3, 50, seed) for seed in (0, 0, 1))
    assert np.array_equal(first.correct, again.correct)
    assert np.array_equal(first.output_tokens, again.output_tokens)
    assert not np.array_equal(first.codes, other.codes)


def test_pictures_have_one_to_four_questions_and_one_content() -> None:
    draw = BIG[0]
    counts = np.bincount(draw.picture)
    assert set(counts) == {1, 2, 3, 4}
    assert counts.mean() == pytest.approx(0.3 + 0.6 + 0.6 + 0.8, abs=0.08)
    first = np.searchsorted(draw.picture, draw.picture)
    assert np.array_equal(draw.codes[:, 3:], draw.codes[first, 3:])
    assert not np.array_equal(draw.codes[:, :3], draw.codes[first, :3])


def test_attribute_shares() -> None:
    """Shares of 4,000 draws: sd at most √(.25 / (4,000 / 2.3 pictures)) = .012."""
    for mix, draw in zip(k.DATASETS, BIG, strict=True):
        expected = (mix.skills, mix.depths, (0.5, 0.5), mix.kinds, mix.fines, (0.5, 0.5))
        for column, shares in enumerate(expected):
            found = np.bincount(draw.codes[:, column], minlength=len(shares)) / len(draw.codes)
            assert found == pytest.approx(np.array(shares), abs=0.05), (mix.name, ATTRIBUTES[column])


def test_outcomes_are_calibrated() -> None:
    """Mean of y − P over 56,000 samples: difficulty is shared by a picture, so sd ≈ .47·√(1.9 / 56,000) = .003."""
    correct = np.concatenate([draw.correct for draw in BIG])
    p = correct_probability(np.concatenate([draw.codes for draw in BIG]))
    assert (correct - p).mean(axis=0) == pytest.approx(np.zeros(17), abs=0.012)
    assert correct.any(axis=1).mean() == pytest.approx(0.950, abs=0.006)


def test_questions_on_one_picture_share_difficulty() -> None:
    pairs = []
    for draw in BIG:
        rest = (draw.correct - correct_probability(draw.codes)).mean(axis=1)
        same = draw.picture[1:] == draw.picture[:-1]
        pairs.append(
            (np.corrcoef(rest[1:][same], rest[:-1][same])[0, 1], np.corrcoef(rest[1:][~same], rest[:-1][~same])[0, 1])
        )
    within, across = np.mean(pairs, axis=0)
    assert within > 0.3
    assert abs(across) < 0.05


def test_lengths() -> None:
    lengths = np.concatenate([draw.output_tokens for draw in BIG])
    depth = np.concatenate([draw.codes[:, 1] for draw in BIG])
    assert lengths.min() >= 1
    assert lengths.max() <= k.MAX_OUTPUT_TOKENS
    assert lengths.mean(axis=0) == pytest.approx(expected_output_tokens(depth).mean(axis=0), rel=0.02)
