"""A batch of samples: padding alone depends on who else is in it."""

from typing import Any

import numpy as np
import pytest
import torch

from vlrb.encoders.backbones.pictures import PictureInputs, Pixels
from vlrb.encoders.backbones.samples import RAW_KEYS, SamplePreprocessor
from vlrb.encoders.backbones.text import LearnedTokens

SIZE = 4
PROMPTS = ["one two three", "", "a long prompt with many words and numbers 1 2 3", "x"]


@pytest.fixture(scope="module")
def prepare() -> SamplePreprocessor:
    text = LearnedTokens(vocab_size=300, max_length=12)
    text.learn(PROMPTS)
    return SamplePreprocessor(text.preprocessor(), PictureInputs(SIZE))


def pictures(*counts: int) -> list[list[Pixels]]:
    """Sample i has so many pictures; picture k of it is filled with 10 i + k."""
    return [
        [Pixels(np.full((3, SIZE, SIZE), 10 * i + k, np.uint8), np.full(4, i + k, np.float32)) for k in range(count)]
        for i, count in enumerate(counts)
    ]


def real(found: dict[str, torch.Tensor], row: int) -> dict[str, Any]:
    """What a row holds without padding."""
    words, places = found["text_mask"][row], found["picture_mask"][row]
    parts = {"text_ids": words, "pixels": places, "extent": places}
    return {key: found[key][row][mask].tolist() for key, mask in parts.items()}


def test_every_picture_of_a_sample_in_its_order(prepare: SamplePreprocessor) -> None:
    found = prepare(PROMPTS, pictures(1, 0, 3, 2))
    assert set(found) == set(RAW_KEYS)
    assert found["pixels"].shape == (4, 3, 3, SIZE, SIZE)
    assert found["pixels"].dtype == torch.uint8
    assert found["picture_mask"].tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 0]]
    assert found["pixels"][:, :, 0, 0, 0].tolist() == [[0, 0, 0], [0, 0, 0], [20, 21, 22], [30, 31, 0]]
    assert found["extent"][2, :, 0].tolist() == [2, 3, 4]


def test_the_company_of_a_sample_changes_padding_alone(prepare: SamplePreprocessor) -> None:
    listed = pictures(1, 0, 3, 2)
    together = prepare(PROMPTS, listed)
    for order in ([2], [1, 0], [3, 1, 2, 0]):
        found = prepare([PROMPTS[i] for i in order], [listed[i] for i in order])
        for row, i in enumerate(order):
            assert real(found, row) == real(together, i)


def test_no_pictures_at_all(prepare: SamplePreprocessor) -> None:
    found = prepare(PROMPTS, [[], [], [], []])
    assert found["pixels"].shape == (4, 0, 3, SIZE, SIZE)
    assert found["picture_mask"].shape == (4, 0)
    assert found["extent"].shape == (4, 0, 4)
