"""Fusion of text and vision features: pure functions of one row, nothing fitted.

No torch is imported before rows are fused: a finished run asks only which parts its fusion reads.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from vlrb.encoders.projection import project as projected
from vlrb.utils.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_NORM = 1e-12
TEXT, VISION = "text", "vision"
Project = int | Literal["auto"] | None


class Fusion(ABC):
    """Turns text (B, Dt) and vision (B, Dv) features into one row (B, D) each.

    Attributes:
        reads: The parts that it looks at; no other is extracted, and the other may have no column at all.
    """

    reads: ClassVar[tuple[str, ...]] = (TEXT, VISION)

    @abstractmethod
    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return the width D of the fused features.

        Args:
            text_dim: Dt, 0 without a text encoder.
            vision_dim: Dv, 0 without a vision encoder.

        Raises:
            ConfigError: Features of these widths cannot be fused.
        """

    @abstractmethod
    def __call__(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return the fused features (B, D)."""


class ConcatFusion(Fusion):
    """Text and vision side by side.

    >>> import torch
    >>> ConcatFusion()(torch.tensor([[3.0, 4.0]]), torch.tensor([[2.0]])).tolist()
    [[3.0, 4.0, 2.0]]
    """

    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return Dt + Dv."""
        return _some(text_dim + vision_dim, "text or vision")

    def __call__(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return [text | vision]."""
        return _side_by_side(text, vision)


class NormalizeConcatFusion(ConcatFusion):
    """Text and vision side by side, each divided by its length (a zero row stays zero).

    >>> import torch
    >>> NormalizeConcatFusion()(torch.tensor([[3.0, 4.0]]), torch.tensor([[2.0]])).tolist()  # 3/5, 4/5 and 2/2
    [[0.6000000238418579, 0.800000011920929, 1.0]]
    """

    def __call__(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return [text / |text|, vision / |vision|]."""
        return _side_by_side(_unit(text), _unit(vision))


class TextOnlyFusion(Fusion):
    """The text alone, for ablations."""

    reads = (TEXT,)

    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return Dt."""
        return _some(text_dim, TEXT)

    def __call__(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return the text features."""
        return text


class ImageOnlyFusion(Fusion):
    """The pictures alone, for ablations."""

    reads = (VISION,)

    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return Dv."""
        return _some(vision_dim, VISION)

    def __call__(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return the vision features."""
        return vision


class _SameWidth(Fusion):
    """Fusions that meet text and vision coordinate by coordinate, so that both must be equally wide.

    Args:
        project: What to do if they are not. None is an error; a number is the common width, and a part of another
            width is brought to it by a fixed random projection (`vlrb.encoders.projection`); "auto" is the wider part's
            width. Nothing is ever cut off.
        project_seed: Seed of the projection; text and vision have their own matrices.
        normalize: Divide each part by its length first (a zero row stays zero), so that neither outweighs the other
            because its encoder uses larger numbers.

    Raises:
        ConfigError: A number is out of range.
    """

    option: ClassVar[str]  # its name in conf/encoder/fusion, for messages
    parts_in_result: ClassVar[int] = 1

    def __init__(self, project: Project = None, project_seed: int = 0, normalize: bool = True) -> None:
        if project != "auto" and project is not None and (isinstance(project, str) or project < 1):
            raise ConfigError(f"encoder.fusion.project must be null, auto or a width from 1, got {project!r}")
        if project_seed < 0:
            raise ConfigError(f"encoder.fusion.project_seed must be at least 0, got {project_seed}")
        self.project, self.project_seed, self.normalize = project, project_seed, normalize

    def width(self, text_dim: int, vision_dim: int) -> int:
        """Return the common width of both parts.

        Raises:
            ConfigError: A part is missing, or the widths differ and no projection was asked for.
        """
        _some(text_dim, TEXT)
        _some(vision_dim, VISION)
        if isinstance(self.project, int):
            return self.project
        if self.project is None and text_dim != vision_dim:
            raise ConfigError(
                f"encoder.fusion={self.option} needs equally wide features, but text has {text_dim} numbers a sample "
                f"and vision {vision_dim}",
                "encoder.fusion.project=auto (or a width) projects them; encoder.fusion=normalize_concat takes any",
            )
        return max(text_dim, vision_dim)

    def dim(self, text_dim: int, vision_dim: int) -> int:
        """Return the width of the fused features."""
        return self.parts_in_result * self.width(text_dim, vision_dim)

    def __call__(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return the fused features (B, D)."""
        width = self.width(text.shape[1], vision.shape[1])
        if self.normalize:
            text, vision = _unit(text), _unit(vision)
        return self.meet(
            projected(text, width, self.project_seed, stream=0), projected(vision, width, self.project_seed, stream=1)
        )

    @abstractmethod
    def meet(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return the fused features of equally wide parts."""


class AverageFusion(_SameWidth):
    """(text + vision) / 2, coordinate by coordinate.

    >>> import torch
    >>> AverageFusion(normalize=False)(torch.tensor([[1.0, 4.0]]), torch.tensor([[3.0, 0.0]])).tolist()
    [[2.0, 2.0]]
    """

    option = "average"

    def meet(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return (t + v) / 2."""
        return (text + vision) / 2


class WeightedAverageFusion(_SameWidth):
    """w · text + (1 − w) · vision, coordinate by coordinate.

    >>> import torch
    >>> fusion = WeightedAverageFusion(text_weight=0.75, normalize=False)
    >>> fusion(torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 8.0]])).tolist()
    [[3.0, 2.0]]

    Args:
        text_weight: w between 0 and 1.
        project: As for the average.
        project_seed: As for the average.
        normalize: As for the average.

    Raises:
        ConfigError: A number is out of range.
    """

    option = "weighted_average"

    def __init__(
        self, text_weight: float = 0.5, project: Project = None, project_seed: int = 0, normalize: bool = True
    ) -> None:
        super().__init__(project, project_seed, normalize)
        if not 0 <= text_weight <= 1:
            raise ConfigError(f"encoder.fusion.text_weight must be between 0 and 1, got {text_weight}")
        self.text_weight = float(text_weight)

    def meet(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return w · t + (1 − w) · v."""
        return self.text_weight * text + (1 - self.text_weight) * vision


class InteractionFusion(_SameWidth):
    """[t, v, t ∘ v, |t − v|]: both parts, where they agree and where they differ (Mou et al., 2016, on sentence pairs).

    Product and difference compare two coordinates, which means most where one encoder made both parts (CLIP) or a
    projection mixed each. Products of unit rows are small, of order 1/D: routers that standardise see them as well as
    the rest, others hardly.

    >>> import torch
    >>> InteractionFusion(normalize=False)(torch.tensor([[1.0, 4.0]]), torch.tensor([[3.0, 2.0]])).tolist()
    [[1.0, 4.0, 3.0, 2.0, 3.0, 8.0, 2.0, 2.0]]
    """

    option = "interaction"
    parts_in_result = 4

    def meet(self, text: "Tensor", vision: "Tensor") -> "Tensor":
        """Return [t, v, t ∘ v, |t − v|]."""
        return _side_by_side(text, vision, text * vision, (text - vision).abs())


def _some(width: int, part: str) -> int:
    """Return a width, which must not be 0."""
    if width < 1:
        kinds = part.replace(" or ", " and encoder.")
        raise ConfigError(
            f"encoder.fusion reads {part} features, but there is no {part} encoder (encoder.{kinds} is null)",
            "choose one, or a fusion that reads the other part alone: text_only or image_only",
        )
    return width


def _unit(rows: "Tensor") -> "Tensor":
    length: Tensor = rows.norm(dim=1, keepdim=True)
    return rows / length.clamp_min(SMALLEST_NORM)


def _side_by_side(*parts: "Tensor") -> "Tensor":
    import torch

    return torch.cat(parts, dim=1)
