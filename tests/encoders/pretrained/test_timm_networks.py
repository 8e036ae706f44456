"""timm networks: the same rows as timm itself gives, weights read whole and safely, and names it does not know."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vlrb.encoders.vision.timm import TimmVision
from vlrb.utils.errors import ConfigError, DataError


@pytest.fixture
def weights(tiny):
    return tiny.folder("timm") / "weights.safetensors"


def by_timm(name, path, images):
    """timm's own network and transform (its crop may lie half a pixel off, so pictures are square here)."""
    import timm
    from timm.data import create_transform, resolve_data_config

    network = timm.create_model(name, num_classes=7)
    network.load_state_dict(load_file(path))
    network.reset_classifier(0)
    transform = create_transform(**resolve_data_config(network.pretrained_cfg))
    with torch.no_grad():
        return network.eval()(torch.stack([transform(image) for image in images])).numpy()


def test_rows_of_timm_itself(tiny, weights):
    images = [image.convert("RGB") for image in tiny.pictures if image.size == (64, 64)]
    encoder = TimmVision(tiny.timm, str(weights))
    np.testing.assert_allclose(encoder.encode(images), by_timm(tiny.timm, weights, images), atol=1e-4, rtol=1e-4)
    assert encoder.dim == encoder.network_dim() == 64
    assert (encoder.preprocessing.size, encoder.preprocessing.shortest_edge) == (160, 168)  # 160 of 0.95


def test_training_checkpoint_gives_the_same_rows(tiny, weights):
    """.pth with an epoch beside the weights, and the prefix of data-parallel training."""
    images = tiny.pictures[:2]
    other = TimmVision(tiny.timm, str(weights.with_name("w.pth")))
    assert np.array_equal(other.encode(images), TimmVision(tiny.timm, str(weights)).encode(images))
    assert other.revision != TimmVision(tiny.timm, str(weights)).revision


def test_checkpoint_without_a_head(tiny, weights, tmp_path):
    state = {name: value for name, value in load_file(weights).items() if not name.startswith("head.")}
    save_file(state, tmp_path / "headless.safetensors")
    rows = TimmVision(tiny.timm, str(tmp_path / "headless.safetensors")).encode(tiny.pictures[:2])
    assert np.array_equal(rows, TimmVision(tiny.timm, str(weights)).encode(tiny.pictures[:2]))


def test_absent_weights_are_never_made_up(tiny, weights, tmp_path):
    state = load_file(weights)
    del state["blocks.1.attn.qkv.weight"]
    save_file(state, tmp_path / "holed.safetensors")
    with pytest.raises(DataError, match=r"not the weights of test_vit.*blocks\.1\.attn\.qkv\.weight"):
        TimmVision(tiny.timm, str(tmp_path / "holed.safetensors")).load()


def test_averaged_weights_come_first(tiny, weights, tmp_path):
    state = load_file(weights)
    torch.save({"state_dict": {k: v * 0 for k, v in state.items()}, "state_dict_ema": state}, tmp_path / "run.pth")
    rows = TimmVision(tiny.timm, str(tmp_path / "run.pth")).encode(tiny.pictures[:2])
    assert np.array_equal(rows, TimmVision(tiny.timm, str(weights)).encode(tiny.pictures[:2]))


class Payload:
    """Runs a function when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_checkpoints_that_are_none(tiny, weights, tmp_path):
    torch.save({"state_dict": Payload(tmp_path / "ran")}, tmp_path / "bad.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "noise.safetensors").write_bytes(b"\x00" * 50)
    for name, why in (("bad.pth", "read safely"), ("list.pth", "mapping"), ("noise.safetensors", "read safely")):
        with pytest.raises(DataError, match=why):
            TimmVision(tiny.timm, str(tmp_path / name)).load()
    assert not (tmp_path / "ran").exists()
    with pytest.raises(DataError, match=r"encoder\.vision\.checkpoint=.*no such file"):
        TimmVision(tiny.timm, str(tmp_path / "nowhere.pth"))


@pytest.mark.parametrize("name", ["resnt18", "resnet18.a1_in2k"])
def test_names_that_timm_does_not_know(name):
    with pytest.raises(ConfigError, match=r"timm has no such network\n.*did you mean '(resnet|resnext)\d+"):
        TimmVision(name).check()


def test_width_is_known_without_weights(tiny, weights):
    """mobilenetv3 pools 960 channels, and its last layer before the classifier makes 1,280 of them."""
    assert TimmVision("mobilenetv3_large_100").dim == 1280
    assert TimmVision("resnet18").preprocessing.resample == "bicubic"
    with pytest.raises(ConfigError, match=r"encoder\.vision\.dim=768.*rows of 64 numbers"):
        TimmVision(tiny.timm, str(weights), dim=768).check()


def test_untagged_name_is_recorded_with_its_tag():
    """Which weights a bare name stands for may change with timm."""
    assert TimmVision("resnet18").settings()["model"] == "resnet18.a1_in1k"
    assert TimmVision("resnet18.a1_in1k").settings() == TimmVision("resnet18").settings()
