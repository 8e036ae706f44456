"""How well the demo's attributes can be read from its prompts and pictures: a linear probe on held-out pictures."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vlrb.demo.constants import DATASETS
from vlrb.demo.generator import draw_scenes
from vlrb.demo.latent import draw_dataset, generator
from vlrb.demo.pictures import draw_picture
from vlrb.demo.population import ATTRIBUTES, PICTURE_ATTRIBUTES, TEXT_ATTRIBUTES
from vlrb.demo.questions import write_question
from vlrb.encoders.text.hashed import HashedNgrams
from vlrb.encoders.vision.statistics import PictureStatistics

SAMPLES = 100  # per dataset: 1,400 questions on about 600 pictures
LEAST = 0.97


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return text features, picture features, attribute codes, and picture numbers, all per sample."""
    encoder = PictureStatistics()
    texts, rows, codes, owners, count = [], [], [], [], 0
    for number in range(len(DATASETS)):
        draw = draw_dataset(number, SAMPLES, seed=0)
        scenes, rng = draw_scenes(draw, number, 0), generator(0, 1, number)
        asked = zip(draw.picture.tolist(), draw.codes[:, :3].tolist(), strict=True)
        texts += [write_question(rng, scenes[picture], *code).text for picture, code in asked]
        first = np.unique(draw.picture, return_index=True)[1]
        images = [
            draw_picture(generator(0, 3, number, p), scenes[p], int(draw.codes[i, 3]), int(draw.codes[i, 4]))
            for p, i in enumerate(first)
        ]
        rows.append(encoder.encode(images)[draw.picture])
        codes.append(draw.codes)
        owners.append(draw.picture + count)
        count += len(images)
    return HashedNgrams().encode(texts), np.concatenate(rows), np.concatenate(codes), np.concatenate(owners)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_attributes_can_be_read(data: tuple[np.ndarray, ...], attribute: str) -> None:
    text, pictures, codes, owners = data
    x = text if attribute in TEXT_ATTRIBUTES else pictures
    y = codes[:, ATTRIBUTES.index(attribute)]
    share = np.random.default_rng(0).random(owners.max() + 1)[owners]
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(x[share < 0.7], y[share < 0.7])
    assert (probe.predict(x[share >= 0.7]) == y[share >= 0.7]).mean() >= LEAST


@pytest.mark.parametrize("attribute", [*PICTURE_ATTRIBUTES[1:], "focus"])
def test_the_other_modality_does_not_show_them(data: tuple[np.ndarray, ...], attribute: str) -> None:
    """Wording says nothing of the picture's fineness or layout, nor the picture of the focus (chance + 6 sd)."""
    text, pictures, codes, owners = data
    x = pictures if attribute in TEXT_ATTRIBUTES else text
    y = codes[:, ATTRIBUTES.index(attribute)]
    share = np.random.default_rng(0).random(owners.max() + 1)[owners]
    test = share >= 0.7
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.001)).fit(x[~test], y[~test])
    chance = np.bincount(y[test]).max() / test.sum()
    assert (probe.predict(x[test]) == y[test]).mean() < chance + 6 * np.sqrt(0.25 / test.sum())
