"""Fusions by hand, and that a row never sees its neighbours."""

import pytest
import torch

from vlrb.encoders.fusion import ConcatFusion, Fusion, ImageOnlyFusion, NormalizeConcatFusion, TextOnlyFusion

TEXT = torch.tensor([[3.0, 4.0], [0.0, 0.0], [-6.0, 8.0]])
VISION = torch.tensor([[0.0, 5.0, 12.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


def test_normalize_concat_by_hand() -> None:
    """|(3, 4)| = 5, |(0, 5, 12)| = 13, |(−6, 8)| = 10; zeros stay zeros."""
    expected = [[0.6, 0.8, 0, 5 / 13, 12 / 13], [0, 0, 1, 0, 0], [-0.6, 0.8, 0, 0, 0]]
    torch.testing.assert_close(NormalizeConcatFusion()(TEXT, VISION), torch.tensor(expected))


def test_others_by_hand() -> None:
    assert ConcatFusion()(TEXT, VISION)[0].tolist() == [3, 4, 0, 5, 12]
    assert TextOnlyFusion()(TEXT, VISION).tolist() == TEXT.tolist()
    assert ImageOnlyFusion()(TEXT, VISION).tolist() == VISION.tolist()


@pytest.mark.parametrize("fusion", [ConcatFusion(), NormalizeConcatFusion(), TextOnlyFusion(), ImageOnlyFusion()])
def test_rows_are_independent_and_as_wide_as_promised(fusion: Fusion) -> None:
    fused = fusion(TEXT, VISION)
    assert fused.shape == (3, fusion.dim(2, 3))
    for i in range(3):
        assert torch.equal(fusion(TEXT[i : i + 1], VISION[i : i + 1])[0], fused[i])


def test_missing_features_stay_missing() -> None:
    """NaN = a picture that could not be read; it must not become a number."""
    fused = NormalizeConcatFusion()(TEXT[:1], torch.full((1, 3), float("nan")))
    assert torch.isnan(fused[0, 2:]).all()
    assert not torch.isnan(fused[0, :2]).any()
