"""Pretrained vision encoders of the Hugging Face hub, or of a local folder: DINOv2, SigLIP, CLIP."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from vlrb.encoders.torch_encoder import Precision
from vlrb.encoders.transformers_network import read_config, read_network
from vlrb.encoders.vision.network import NetworkVision
from vlrb.encoders.vision.pixels import FILTERS, KEY, Preprocessing, Resize
from vlrb.encoders.weights import CONFIG, PICTURES, WEIGHTS, Checkpoint
from vlrb.utils.errors import ConfigError
from vlrb.utils.files import read_json
from vlrb.utils.suggest import did_you_mean

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
OPENAI = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


class Family(NamedTuple):
    """How a kind of checkpoint is used.

    Attributes:
        network: Class of transformers that holds the vision tower alone.
        output: Field of its output with one row per picture.
        colours: Mean and std of its published checkpoints.
        crops: Whether those crop the centre (else they squash).
    """

    network: str
    output: str
    colours: dict[str, tuple[float, float, float]]
    crops: bool


# pooler_output of DINOv2 is the class token after the last layer norm; of SigLIP, its attention pooling.
DINOV2 = Family("Dinov2Model", "pooler_output", IMAGENET, crops=True)
SIGLIP = Family("SiglipVisionModel", "pooler_output", HALF, crops=False)
CLIP = Family("CLIPVisionModelWithProjection", "image_embeds", OPENAI, crops=True)
FAMILIES = {
    "dinov2": DINOV2,
    "dinov2_with_registers": DINOV2._replace(network="Dinov2WithRegistersModel"),
    "siglip": SIGLIP,
    "siglip_vision_model": SIGLIP,
    "clip": CLIP,
    "clip_vision_model": CLIP,
}


class HuggingFaceVision(NetworkVision):
    """The vision tower of a DINOv2, SigLIP or CLIP checkpoint; of a checkpoint with two towers, only that one is read.

    Rows are the layer-normed class token (DINOv2), attention-pooled features (SigLIP) or projected features (CLIP).

    Args:
        model: Name on the hub, or a folder.
        revision: Commit on the hub; a folder is known by the content of its files instead.
        dim: Width of a row; None = as the checkpoint's configuration says.
        preprocessing: Values in place of the checkpoint's own: size, shortest_edge, resample, mean, std.
        resize: card = as the checkpoint says; squash = all of the picture, shape lost; pad = all of it, shape kept.
        normalize: Whether rows are scaled to length 1.
        precision: Arithmetic of the forward pass.

    Raises:
        ConfigError: A value is impossible.
        DataError: `model` is a path, and there is no such folder.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        dim: int | None = None,
        preprocessing: Mapping[str, Any] | None = None,
        resize: Resize = "card",
        normalize: bool = False,
        precision: Precision = "auto",
    ) -> None:
        super().__init__(dim, preprocessing, resize, normalize=normalize, precision=precision)
        self.checkpoint = Checkpoint(model, revision, KEY, (CONFIG, WEIGHTS), PICTURES)
        if self.checkpoint.local is None:
            self.checkpoint.needed = (CONFIG, PICTURES[:1], WEIGHTS)  # published ones all have it
        self.name = self.checkpoint.name

    @property
    def revision(self) -> str:  # type: ignore[override]
        """Commit on the hub, or fingerprint of the folder's files."""
        return self.checkpoint.revision

    def settings(self) -> dict[str, Any]:
        """Return everything but the revision that determines the rows; a folder counts by content, wherever it lies."""
        return {"model": None if self.checkpoint.local else self.checkpoint.model, **super().settings()}

    def check(self) -> None:
        """Find out cheaply whether `load()` can work."""
        self.checkpoint.check()
        if self.checkpoint.cached() is not None:
            self.checkpoint.same_width(self._dim, self.network_dim())

    def network_dim(self) -> int:
        """Return the width of a row, as the checkpoint's configuration says."""
        projected = self._family.output == "image_embeds"
        return int(self._config.projection_dim if projected else self._config.hidden_size)

    def own_preprocessing(self) -> Preprocessing:
        """Return the checkpoint's own preprocessing; without a file of it, that of the published checkpoints."""
        found = picture_settings(self.checkpoint.folder())
        if found is not None:
            return found
        colours, size = self._family.colours, int(self._config.image_size)
        if self._family.network.startswith("Dinov2"):  # trained at 518 pixels, published to be used at 224
            return Preprocessing(224, 256, "bicubic", **colours)
        return Preprocessing(size, size if self._family.crops else None, "bicubic", **colours)

    def load(self) -> None:
        """Read the weights unless they are there already."""
        if self.network is None:
            import transformers

            self.checkpoint.same_width(self._dim, self.network_dim())
            kind = getattr(transformers, self._family.network)
            self.network = read_network(kind, self.checkpoint.folder(), self._config)

    def describe(self, colours: Tensor) -> Tensor:
        """Return (B, D) of (B, 3, S, S)."""
        assert self.network is not None
        other_size = self._resizes and colours.shape[-1] != self._config.image_size
        found = self.network(colours, interpolate_pos_encoding=True) if other_size else self.network(colours)
        rows: Tensor = getattr(found, self._family.output)
        return rows

    @property
    def _resizes(self) -> bool:
        """Whether the network must be told to stretch its position embeddings (DINOv2 does so by itself)."""
        return not self._family.network.startswith("Dinov2")

    @cached_property
    def _whole_config(self) -> Any:  # noqa: ANN401 - transformers has no types
        return read_config(self.checkpoint.folder())

    @cached_property
    def _family(self) -> Family:
        kind = str(self._whole_config.model_type)
        if kind not in FAMILIES:
            raise ConfigError(
                f"{KEY}.model={self.checkpoint.model}: no rule for networks of type {kind!r}",
                f"{did_you_mean(kind, FAMILIES)}; encoder.vision=timm takes any network of timm",
            )
        return FAMILIES[kind]

    @cached_property
    def _config(self) -> Any:  # noqa: ANN401 - transformers has no types
        """Configuration of the vision tower."""
        whole = self._whole_config
        tower = getattr(whole, "vision_config", whole)
        if tower is not whole and self._family.output == "image_embeds":
            tower.projection_dim = whole.projection_dim  # the projection belongs to the whole
        return tower


def picture_settings(folder: Path) -> Preprocessing | None:
    """Return what a checkpoint's own file says of preprocessing; None if it has no such file.

    Raises:
        ConfigError: The file asks for something that we do not do.
    """
    found = [folder / name for name in PICTURES if (folder / name).is_file()]
    contents = [read_json(path) for path in found]
    if found and found[0].name == PICTURES[1]:  # a newer file for text and pictures together
        contents = [part["image_processor"] for part in contents if "image_processor" in part]
    return parse_preprocessing(contents[0], str(found[0])) if contents else None


def parse_preprocessing(values: Mapping[str, Any], where: str) -> Preprocessing:
    """Return preprocessing from the fields of transformers' image processors.

    Args:
        values: The fields.
        where: The file, for messages.

    Raises:
        ConfigError: They ask for something that we do not do.
    """
    crops = bool(values.get("do_center_crop", False))
    short, square = _sides(values.get("size", 224), crops=crops)
    size = _sides(values["crop_size"], crops=False)[1] if crops and "crop_size" in values else square or short
    scaled = abs(float(values.get("rescale_factor", 1 / 255)) * 255 - 1) < 1e-3 and values.get("do_rescale", True)
    plain = scaled and values.get("do_resize", True) and (crops or short is None)
    if not plain or size is None or (crops and square is not None and square != size):
        raise ConfigError(
            f"{where}: this preprocessing is not known here", f"{KEY}=timm, or a checkpoint with a usual preprocessing"
        )
    normal = values.get("do_normalize", True)
    mean, std = (values[name] if normal else (float(name == "image_std"),) * 3 for name in ("image_mean", "image_std"))
    resample = FILTERS[int(values.get("resample", 3))]
    return Preprocessing(size, short if crops else None, resample, tuple(mean), tuple(std))


def _sides(size: Any, *, crops: bool) -> tuple[int | None, int | None]:  # noqa: ANN401 - a number or a mapping
    """Return the shortest edge or the side of a square (the other is None); a bare number is one or the other."""
    if isinstance(size, Mapping):
        if "shortest_edge" in size:
            return int(size["shortest_edge"]), None
        height, width = int(size.get("height", 0)), int(size.get("width", 0))
        return None, height if height == width and height else None
    return (int(size), None) if crops else (None, int(size))
