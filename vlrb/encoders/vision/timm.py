"""Any network of timm as a vision encoder, with the weights of its hub tag or of a local checkpoint."""

from collections.abc import Mapping
from functools import cached_property
from math import floor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vlrb.encoders.torch_encoder import Precision
from vlrb.encoders.vision.network import NetworkVision
from vlrb.encoders.vision.pixels import FILTERS, KEY, Preprocessing, Resize
from vlrb.encoders.weights import Checkpoint, content_fingerprint
from vlrb.utils.errors import ConfigError, DataError
from vlrb.utils.suggest import nearest

_FILES = ("model.safetensors", "pytorch_model.bin")


class TimmVision(NetworkVision):
    """Pooled features, before the classifier, of any network that timm knows.

    Args:
        model: Name in timm, with the tag of its weights, e.g. vit_base_patch16_224.augreg_in1k.
        checkpoint: Local weights (.safetensors, .pth, .bin); None = those of the tag, from the hub's cache or the hub.
        revision: Commit on the hub (40 hexadecimal digits); None = as published under the tag.
        dim: Width of a row; None = as the network says.
        preprocessing: Values in place of the network's own: size, shortest_edge, resample, mean, std.
        resize: card = as timm says; squash = all of the picture, shape lost; pad = all of it, shape kept.
        normalize: Whether rows are scaled to length 1.
        precision: Arithmetic of the forward pass.

    Raises:
        ConfigError: timm has no such network, or a value is impossible.
        DataError: There is no such checkpoint.
    """

    def __init__(
        self,
        model: str,
        checkpoint: str | None = None,
        revision: str | None = None,
        dim: int | None = None,
        preprocessing: Mapping[str, Any] | None = None,
        resize: Resize = "card",
        normalize: bool = False,
        precision: Precision = "auto",
    ) -> None:
        super().__init__(dim, preprocessing, resize, normalize=normalize, precision=precision)
        self.model, self.name = model, model
        self.file = None if checkpoint is None else Path(checkpoint).expanduser()
        if self.file is not None and not self.file.is_file():
            raise DataError(f"{KEY}.checkpoint={checkpoint}: no such file", "give a .safetensors, .pth or .bin file")
        self._pinned = revision

    @cached_property
    def revision(self) -> str:  # type: ignore[override]
        """Fingerprint of the local checkpoint; else the commit on the hub, or what the tag stands for."""
        if self.file is not None:
            return f"file-{content_fingerprint(self.file)}"
        return self._pinned or "tag"

    def settings(self) -> dict[str, Any]:
        """Return everything but the revision that determines the rows."""
        return {"model": self._tagged, **super().settings()}

    def details(self) -> dict[str, Any]:
        """Return the preprocessing, and the commit of weights that came from the hub."""
        commit = {} if self.file is not None else {"commit": self._weights().parent.name}
        return {**super().details(), **commit}

    def check(self) -> None:
        """Find out cheaply whether `load()` can work."""
        if self.file is None:
            self._hub.check()
        self._same_width()

    def network_dim(self) -> int:
        """Return the width of a row, found by passing a picture through a network without memory."""
        with torch.device("meta"), torch.inference_mode():
            network = self._created().eval()
            size = self.preprocessing.size
            return int(network(torch.empty(1, 3, size, size)).shape[1])

    def own_preprocessing(self) -> Preprocessing:
        """Return the preprocessing that timm's entry for the weights asks for."""
        import timm.data

        data: Any = timm.data
        found = data.resolve_data_config(self._entry.to_dict())
        _, height, width = found["input_size"]
        if height != width or found["crop_mode"] == "border":
            raise ConfigError(
                f"{KEY}.model={self.model} wants pictures that are not square, or bordered: not known here"
            )
        squash = found["crop_mode"] == "squash"
        resample = found["interpolation"] if found["interpolation"] in FILTERS else "bicubic"
        edge = None if squash else floor(height / found["crop_pct"])
        return Preprocessing(height, edge, resample, tuple(found["mean"]), tuple(found["std"]))

    def load(self) -> None:
        """Read the weights unless they are there already; every weight of the network must be in the file."""
        if self.network is None:
            self._same_width()
            weights = read_weights(self._weights())
            classes = self._classes(weights)
            try:
                network = self._created(
                    classes, pretrained=True, overlay={"state_dict": weights, "num_classes": classes}
                )
            except (RuntimeError, KeyError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise DataError(f"{self._weights()}: not the weights of {self.model} ({reason[:300]})") from error
            network.reset_classifier(0)
            self.network = network.float().eval().requires_grad_(requires_grad=False)

    def describe(self, colours: Tensor) -> Tensor:
        """Return (B, D) of (B, 3, S, S)."""
        assert self.network is not None
        rows: Tensor = self.network(colours)
        return rows

    def _same_width(self) -> None:
        found = self._dim if self._dim is None else self.network_dim()
        if found != self._dim:
            raise ConfigError(
                f"{KEY}.dim={self._dim}, but {self.model} gives rows of {found} numbers", f"{KEY}.dim={found}"
            )

    def _created(self, classes: int = 0, *, pretrained: bool = False, overlay: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        import timm

        sized = {"img_size": self.given["size"]} if "size" in self.given and self._entry.fixed_input_size else {}
        return timm.create_model(
            self.model, pretrained=pretrained, num_classes=classes, pretrained_cfg_overlay=dict(overlay or {}), **sized
        )

    def _classes(self, weights: Mapping[str, Tensor]) -> int:
        """Return how many classes the checkpoint has: timm reads it with its head, and whole; then the head goes."""
        heads = self._entry.classifier or ()
        first = heads if isinstance(heads, str) else next(iter(heads), "")
        if f"{first}.weight" in weights:
            return int(weights[f"{first}.weight"].shape[0])
        return 0 if self.file is not None else int(self._entry.num_classes)

    def _weights(self) -> Path:
        if self.file is not None:
            return self.file
        folder = self._hub.folder()
        return next(folder / name for name in self._hub.needed[0] if (folder / name).is_file())

    @cached_property
    def _hub(self) -> Checkpoint:
        """The files of the tag on the hub."""
        name = self._entry.hf_hub_id
        if not name:
            raise ConfigError(
                f"{KEY}.model={self.model}: timm has no weights of it on the hub", f"give {KEY}.checkpoint=<file>"
            )
        repository = f"{name}{self._tagged}" if name.endswith("/") else name
        given = self._entry.hf_hub_filename
        files = (given,) if given else _FILES
        return Checkpoint(repository, self._pinned, KEY, (files,), branches=self._pinned is None)

    @property
    def _tagged(self) -> str:
        tag = self._entry.tag
        return f"{self._entry.architecture}.{tag}" if tag else str(self._entry.architecture)

    @cached_property
    def _entry(self) -> Any:  # noqa: ANN401 - timm has no types
        """The entry for network and weights in timm."""
        import timm
        from timm.models import get_pretrained_cfg

        try:
            entry = get_pretrained_cfg(self.model) if timm.is_model(self.model.split(".")[0]) else None
        except RuntimeError:  # a known network, an unknown tag
            entry = None
        if entry is None:
            known = timm.list_models(pretrained=True)
            best = nearest(self.model, known)
            raise ConfigError(
                f"{KEY}.model={self.model}: timm has no such network",
                (f"did you mean '{best}'? " if best else "") + "timm.list_models(pretrained=True) lists them",
            )
        return entry


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint; of one that holds more, the averaged weights, else the plain ones.

    Raises:
        DataError: The file is no checkpoint, or holds objects that run code when read.
    """
    from pickle import UnpicklingError

    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, UnpicklingError, SafetensorError) as error:
        reason = str(error).strip().split("\n")[0]
        raise DataError(
            f"{path}: the checkpoint cannot be read safely ({reason})", "save the weights alone, best as safetensors"
        ) from error
    for name in ("state_dict_ema", "model_ema", "state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
            break
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()) or not found:
        raise DataError(f"{path}: not a checkpoint (a mapping of names to tensors is wanted)")
    return {str(name).removeprefix("_orig_mod.").removeprefix("module."): value for name, value in found.items()}
