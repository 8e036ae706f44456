"""Fusions by hand and against NumPy, that a row never sees its neighbours, and that no number is cut off."""

import inspect
import itertools
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor

from vlrb.encoders.fusion import (
    AverageFusion,
    ConcatFusion,
    Fusion,
    ImageOnlyFusion,
    InteractionFusion,
    NormalizeConcatFusion,
    TextOnlyFusion,
    WeightedAverageFusion,
)
from vlrb.encoders.projection import project, sign_matrix
from vlrb.utils.cli import ROOT
from vlrb.utils.errors import ConfigError
from vlrb.utils.instantiate import TARGET, build, locate

TEXT = torch.tensor([[3.0, 4.0], [0.0, 0.0], [-6.0, 8.0]])
VISION = torch.tensor([[0.0, 5.0, 12.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
WIDE, NARROW = 1024, 384
YAMLS = sorted((ROOT / "conf" / "encoder" / "fusion").glob("*.yaml"))


def of_yaml(path: Path, **changes: object) -> Fusion:
    node: dict[str, object] = {}
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for parent in content.pop("defaults", []):
        node |= yaml.safe_load((path.parent / f"{parent}.yaml").read_text(encoding="utf-8"))
    fusion = build({**node, **content, **changes}, "encoder.fusion")
    assert isinstance(fusion, Fusion)
    return fusion


def rows(count: int, width: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    values = np.random.default_rng([seed, width]).standard_normal((count, width)) * scale
    values[0] = 0
    return torch.from_numpy(values.astype(np.float32))


def numpy_rule(fusion: Fusion, text: np.ndarray, vision: np.ndarray) -> np.ndarray:
    """Return what a fusion should give, in float64 and by other means."""
    unit = [part / np.maximum(np.sqrt((part**2).sum(1, keepdims=True)), 1e-12) for part in (text, vision)]
    if isinstance(fusion, NormalizeConcatFusion):
        return np.hstack(unit)
    if isinstance(fusion, ConcatFusion):
        return np.hstack([text, vision])
    if isinstance(fusion, TextOnlyFusion | ImageOnlyFusion):
        return text if isinstance(fusion, TextOnlyFusion) else vision
    width = fusion.project if isinstance(fusion.project, int) else max(text.shape[1], vision.shape[1])
    t, v = (
        part if part.shape[1] == width else part @ sign_matrix(part.shape[1], width, fusion.project_seed, k)
        for k, part in enumerate(unit if fusion.normalize else [text, vision])
    )
    if isinstance(fusion, InteractionFusion):
        return np.hstack([t, v, t * v, np.abs(t - v)])
    weight = fusion.text_weight if isinstance(fusion, WeightedAverageFusion) else 0.5
    return np.array(weight * t + (1 - weight) * v)


def test_normalize_concat_by_hand() -> None:
    """|(3, 4)| = 5, |(0, 5, 12)| = 13, |(−6, 8)| = 10; zeros stay zeros."""
    expected = [[0.6, 0.8, 0, 5 / 13, 12 / 13], [0, 0, 1, 0, 0], [-0.6, 0.8, 0, 0, 0]]
    torch.testing.assert_close(NormalizeConcatFusion()(TEXT, VISION), torch.tensor(expected))


def test_others_by_hand() -> None:
    assert ConcatFusion()(TEXT, VISION)[0].tolist() == [3, 4, 0, 5, 12]
    assert TextOnlyFusion()(TEXT, VISION).tolist() == TEXT.tolist()
    assert ImageOnlyFusion()(TEXT, VISION).tolist() == VISION.tolist()


def test_averages_by_hand() -> None:
    """t = (3, 4) / 5, v = (0, 2) / 2: mean (.3, .9), ¼t + ¾v = (.15, .95); raw: (1.5, 3)."""
    text, vision = torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[0.0, 2.0], [0.0, 2.0]])
    assert AverageFusion()(text, vision).tolist() == [pytest.approx([0.3, 0.9]), pytest.approx([0, 0.5])]
    assert WeightedAverageFusion(0.25)(text, vision)[0].tolist() == pytest.approx([0.15, 0.95])
    assert AverageFusion(normalize=False)(text, vision)[0].tolist() == [1.5, 3]
    assert torch.equal(WeightedAverageFusion()(text, vision), AverageFusion()(text, vision))  # published weight: ½


def test_interaction_by_hand() -> None:
    """t = (.6, .8), v = (0, −1): product (0, −.8), |t − v| = (.6, 1.8)."""
    fused = InteractionFusion()(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, -2.0]]))
    assert fused[0].tolist() == pytest.approx([0.6, 0.8, 0, -1, 0, -0.8, 0.6, 1.8])


@pytest.mark.parametrize("path", YAMLS, ids=[path.stem for path in YAMLS])
@pytest.mark.parametrize("widths", [(WIDE, WIDE), (WIDE, NARROW), (NARROW, WIDE), (1, 1)])
def test_contract_of_every_yaml(path: Path, widths: tuple[int, int]) -> None:
    """Width as promised, float32, finite, NumPy's figures, rows on their own, any order, any batch."""
    fusion = of_yaml(path)
    if getattr(fusion, "project", "auto") is None and widths[0] != widths[1]:
        fusion = of_yaml(path, project="auto")
    text, vision = rows(40, widths[0], 1), rows(40, widths[1], 2, scale=50)
    fused = fusion(text, vision)
    assert fused.dtype == torch.float32
    assert fused.shape == (40, fusion.dim(*widths))
    assert torch.isfinite(fused).all()
    assert not fused[0].any()  # rows of zeros on both sides
    np.testing.assert_allclose(fused, numpy_rule(fusion, text.double().numpy(), vision.double().numpy()), 0, 2e-5)
    assert torch.equal(fusion(text, vision), fused)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(fusion(text[order], vision[order]), fused[order], rtol=0, atol=1e-6)
    for size in (1, 7):
        parts = [fusion(*pair) for pair in zip(text.split(size), vision.split(size), strict=True)]
        torch.testing.assert_close(torch.cat(parts), fused, rtol=0, atol=1e-5)
    assert fusion(text[:0], vision[:0]).shape == (0, fusion.dim(*widths))


@pytest.mark.parametrize("path", YAMLS, ids=[path.stem for path in YAMLS])
def test_yaml_lists_every_argument(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    parents = content.pop("defaults", [])
    if not parents:
        assert set(content) - {TARGET} == set(inspect.signature(locate(content[TARGET], "fusion")).parameters)
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("path", YAMLS, ids=[path.stem for path in YAMLS])
def test_only_what_is_read_matters(path: Path) -> None:
    """A fusion reads what it says it reads: the other part may be missing, broken or of any width."""
    fusion = of_yaml(path)
    assert fusion.reads
    assert set(fusion.reads) <= {"text", "vision"}
    text, vision = rows(5, 8, 1), rows(5, 8, 2)
    for part in ("text", "vision"):
        changed = {"text": text, "vision": vision, part: torch.full((5, 8), float("nan"))}
        assert torch.isnan(fusion(**changed)).any() == (part in fusion.reads)
        absent = {"text": text, "vision": vision, part: torch.zeros(5, 0)}
        if part not in fusion.reads:
            assert torch.equal(fusion(**absent), fusion(text, vision))


def test_missing_features_stay_missing() -> None:
    """NaN = a picture that could not be read; it must not become a number, in a projection neither."""
    broken = torch.full((1, 3), float("nan"))
    fused = NormalizeConcatFusion()(TEXT[:1], broken)
    assert torch.isnan(fused[0, 2:]).all()
    assert not torch.isnan(fused[0, :2]).any()
    assert torch.isnan(AverageFusion(project=4)(TEXT[:1], broken)).all()


@pytest.mark.parametrize("kind", [AverageFusion, WeightedAverageFusion, InteractionFusion])
def test_unequal_widths_are_an_error_that_says_what_to_do(kind: type) -> None:
    for call in (lambda: kind().dim(256, 440), lambda: kind()(rows(2, 256), rows(2, 440))):
        with pytest.raises(ConfigError, match=r"text has 256 numbers a sample and vision 440\n.*project=auto"):
            call()
    times = 4 if kind is InteractionFusion else 1
    assert kind(project="auto").dim(256, 440) == 440 * times
    assert kind(project=100).dim(256, 440) == 100 * times
    assert kind().dim(768, 768) == 768 * times


def test_a_missing_part_is_named() -> None:
    with pytest.raises(ConfigError, match="reads vision features, but there is no vision encoder"):
        AverageFusion(project="auto").dim(256, 0)
    with pytest.raises(ConfigError, match=r"no text encoder \(encoder.text is null\)"):
        TextOnlyFusion().dim(0, 440)
    with pytest.raises(ConfigError, match="reads text or vision features"):
        ConcatFusion().dim(0, 0)
    assert ConcatFusion().dim(256, 0) == 256  # side by side with nothing


@pytest.mark.parametrize(
    "settings", [{"project": 0}, {"project": "widest"}, {"project_seed": -1}, {"text_weight": 1.5}, {"text_weight": -1}]
)
def test_impossible_settings(settings: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        build({TARGET: "vlrb.encoders.fusion.WeightedAverageFusion", **settings}, "encoder.fusion")


def test_signs_are_the_same_everywhere() -> None:
    """Raw PCG64 bits, lowest first: word 0 of seed (7, 1) decides the first 64 entries, row by row."""
    word = int(np.random.PCG64(np.random.SeedSequence((7, 1))).random_raw())
    matrix = sign_matrix(5, 16, seed=7, stream=1)
    assert (matrix.ravel()[:64] > 0).tolist() == [bool(word >> bit & 1) for bit in range(64)]
    assert np.unique(matrix).tolist() == [-0.25, 0.25]  # ±1/√16
    assert crc32((sign_matrix(256, 440, 0) > 0).tobytes()) == 74470566


def test_projection_keeps_geometry_and_loses_no_coordinate() -> None:
    """Of 60 random pairs, squared distances after 256 → 440 differ by a factor of sd √(2/440) = .067."""
    points = rows(61, 256, 3)
    there = project(points, 440, seed=0)
    ratio = torch.pdist(there) ** 2 / torch.pdist(points) ** 2
    assert float((ratio - 1).abs().max()) < 6 * np.sqrt(2 / 440)
    assert float((ratio - 1).abs().mean()) < 0.1
    assert all(sign_matrix(256, 64, 0)[row].all() for row in range(256))  # every coordinate counts: no truncation
    seeds = [project(points, 64, seed, stream) for seed, stream in itertools.product((0, 1), (0, 1))]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(seeds, 2))
    assert project(points, 256, seed=0) is points
