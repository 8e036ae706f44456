"""Fused features: once or per batch, the same numbers."""

import numpy as np
import pytest
import torch

from vlrb.data.sources import FusedFeatures
from vlrb.utils.errors import DataError
from vlrb.utils.files import open_array, write_array

IDS = [f"set/{i}" for i in range(10)]


def test_fused_once_equals_fused_per_batch(small):
    rows, index = np.arange(2, 12), torch.tensor([9, 0, 3])
    resident = small.features(10**6).at(rows, IDS).fetch(index)["features"]
    streamed = small.features(0).at(rows, IDS).fetch(index)["features"]
    assert torch.equal(resident, streamed)
    assert resident.tolist() == [[11, 110, 1100], [2, 20, 200], [5, 50, 500]]


def test_memory_mapped_features(tmp_path):
    write_array(tmp_path / "t.npy", np.arange(20, dtype=np.float32).reshape(10, 2))
    features = FusedFeatures(open_array(tmp_path / "t.npy"), None, lambda t, v: t, resident_bytes=0)
    assert features.dim == 2
    assert features.at(np.arange(10), IDS).fetch(torch.tensor([4]))["features"].tolist() == [[8, 9]]


def test_one_modality_gives_the_other_no_width():
    seen = []

    def fusion(text, vision):
        seen.append((text.shape[1], vision.shape[1]))
        return torch.cat([text, vision], dim=1)

    assert FusedFeatures(None, np.ones((3, 4), np.float32), fusion).dim == 4
    assert seen == [(0, 4)]


@pytest.mark.parametrize("resident_bytes", [0, 10**6])
def test_unusable_features_name_the_sample(resident_bytes):
    text = np.ones((10, 2), np.float32)
    text[6] = np.nan
    source = FusedFeatures(text, None, lambda t, v: t, resident_bytes)
    with pytest.raises(DataError, match="1 samples have no usable features, the first is set/6"):
        source.at(np.arange(10), IDS).fetch(torch.arange(10))


def test_a_row_that_is_not_there():
    source = FusedFeatures(np.ones((3, 2), np.float32), None, lambda t, v: t)
    with pytest.raises(DataError, match="3 rows but row 5"):
        source.at(np.array([0, 5]), IDS)


def test_parts_of_different_length():
    with pytest.raises(DataError, match="equally many rows"):
        FusedFeatures(np.ones((3, 2)), np.ones((4, 2)), lambda t, v: t)
    with pytest.raises(DataError, match="none at all"):
        FusedFeatures(None, None, lambda t, v: t)
