"""Vision encoders against whole models and picture processors of transformers, and checkpoints that do not fit."""

import json
import shutil

import numpy as np
import pytest
import torch

from vlrb.encoders.vision.huggingface import HuggingFaceVision, parse_preprocessing
from vlrb.encoders.vision.pixels import Preprocessing
from vlrb.utils.errors import ConfigError, DataError

KINDS = ("dinov2", "siglip", "clip")
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
OPENAI = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def rgb(tiny):
    return [picture.convert("RGB") for picture in tiny.pictures]


def processor(kind, folder):
    """The picture processor of transformers that works with Pillow, as the checkpoints were published with."""
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    kinds = {"dinov2": BitImageProcessorPil, "siglip": SiglipImageProcessorPil, "clip": CLIPImageProcessorPil}
    return kinds[kind].from_pretrained(folder)


def by_hand(kind, folder, images):
    """Whole model, both towers, one picture at a time."""
    import transformers

    name = {"dinov2": "Dinov2Model", "siglip": "SiglipModel", "clip": "CLIPModel"}[kind]
    model = getattr(transformers, name).from_pretrained(folder).eval()
    rows = []
    for image in images:
        pixels = processor(kind, folder)(images=image, return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            if kind == "dinov2":  # the class token of the last hidden state, which is layer-normed
                hidden = model.encoder(model.embeddings(pixels)).last_hidden_state
                rows.append(model.layernorm(hidden)[0, 0])
            else:
                found = model.get_image_features(pixel_values=pixels)
                rows.append((found if isinstance(found, torch.Tensor) else found.pooler_output)[0])
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_features_of_the_whole_model(tiny, kind):
    folder = tiny.folder(kind)
    found = HuggingFaceVision(str(folder)).encode(tiny.pictures)
    expected = by_hand(kind, folder, rgb(tiny))
    np.testing.assert_allclose(found, expected, atol=2e-5)
    unit = HuggingFaceVision(str(folder), normalize=True).encode(tiny.pictures)
    np.testing.assert_allclose(unit, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_of_the_published_processor(tiny, kind):
    """Mean and spread are undone: the same bytes, whatever shape and mode."""
    encoder = HuggingFaceVision(str(tiny.folder(kind)))
    pixels = encoder.preprocessor()(tiny.pictures)["pixels"].permute(0, 2, 3, 1).numpy()
    other = processor(kind, tiny.folder(kind))
    for row, image in zip(pixels, rgb(tiny), strict=True):
        colours = other(images=image, return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
        expected = (colours * encoder.preprocessing.std + encoder.preprocessing.mean) * 255
        assert np.abs(row - expected).max() < 1e-3


@pytest.mark.parametrize("kind", ["siglip", "clip"])
def test_only_the_vision_tower_is_read(tiny, kind):
    encoder = HuggingFaceVision(str(tiny.folder(kind)))
    encoder.load()
    names = [name for name, _ in encoder.named_parameters()]
    assert names
    assert not any("text" in name or "logit" in name for name in names)
    vision = {"siglip": 0, "clip": 24 * 32}[kind]  # of CLIP, also the projection
    whole = sum(p.numel() for n, p in tiny.network(kind).named_parameters() if n.startswith("vision_model"))
    assert sum(p.numel() for p in encoder.parameters()) == whole + vision


@pytest.mark.parametrize(("kind", "name"), [("siglip", "SiglipVisionModel"), ("clip", "CLIPVisionModelWithProjection")])
def test_checkpoint_of_the_vision_tower_alone(tiny, tmp_path, kind, name):
    whole = HuggingFaceVision(str(tiny.folder(kind)))
    rows = whole.encode(tiny.pictures)
    whole.network.save_pretrained(tmp_path / "tower")
    shutil.copy(tiny.folder(kind) / "preprocessor_config.json", tmp_path / "tower")
    encoder = HuggingFaceVision(str(tmp_path / "tower"), dim=tiny.width[kind])
    encoder.check()
    assert np.array_equal(encoder.encode(tiny.pictures), rows)
    assert type(encoder.network).__name__ == name


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("dinov2", Preprocessing(224, 256, "bicubic", *IMAGENET)),
        ("siglip", Preprocessing(32, None, "bicubic", *HALF)),
        ("clip", Preprocessing(32, 32, "bicubic", *OPENAI)),
    ],
)
def test_folder_without_preprocessing_takes_that_of_its_family(tiny, tmp_path, kind, expected):
    folder = shutil.copytree(tiny.folder(kind), tmp_path / kind)
    values = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    assert HuggingFaceVision(str(folder)).preprocessing == expected
    values["resample"] = 2
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": values}))
    assert HuggingFaceVision(str(folder)).preprocessing.resample == "bilinear"


def test_values_in_place_of_the_checkpoints_own(tiny):
    folder = str(tiny.folder("dinov2"))
    assert HuggingFaceVision(folder, preprocessing={"size": 56}).preprocessing == Preprocessing(
        56, 64, "bicubic", *IMAGENET
    )  # 28 of 32, so 56 of 64
    own = HuggingFaceVision(folder, preprocessing={"mean": [0.5, 0.5, 0.5], "resample": "bilinear"}).preprocessing
    assert own == Preprocessing(28, 32, "bilinear", HALF[0], IMAGENET[1])
    with pytest.raises(ConfigError, match=r"unknown key 'encoder\.vision\.preprocessing\.sizes'.*\n.*'size'"):
        _ = HuggingFaceVision(folder, preprocessing={"sizes": 1}).preprocessing
    with pytest.raises(ConfigError, match=r"preprocessing\.size must be a whole number"):
        _ = HuggingFaceVision(folder, preprocessing={"size": "large"}).preprocessing
    with pytest.raises(ConfigError, match="cannot be cropped"):
        _ = HuggingFaceVision(folder, preprocessing={"shortest_edge": 20}).preprocessing
    with pytest.raises(ConfigError, match=r"resample: did you mean 'bicubic'"):
        _ = HuggingFaceVision(folder, preprocessing={"resample": "cubic"}).preprocessing


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("resize", ["card", "squash", "pad"])
def test_other_sizes_and_ways_to_fit(tiny, kind, resize):
    """Position embeddings are stretched to another size; each way to fit gives other rows for a wide picture."""
    encoder = HuggingFaceVision(str(tiny.folder(kind)), preprocessing={"size": 56}, resize=resize)
    rows = encoder.encode(tiny.pictures)
    assert np.isfinite(rows).all()
    other = HuggingFaceVision(str(tiny.folder(kind)), resize=resize).encode(tiny.pictures)
    assert np.abs(rows - other).max() > 1e-3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (  # facebook/dinov2-*
            {"crop_size": {"height": 224, "width": 224}, "do_center_crop": True, "size": {"shortest_edge": 256}},
            (224, 256),
        ),
        ({"crop_size": 224, "do_center_crop": True, "size": 224}, (224, 224)),  # openai/clip-vit-*
        ({"size": {"height": 384, "width": 384}}, (384, None)),  # google/siglip-large-patch16-384
        ({"size": 224, "do_center_crop": False}, (224, None)),
        ({"size": {"height": 224, "width": 224}, "do_center_crop": True, "crop_size": 224}, (224, None)),
    ],
)
def test_files_as_published(values, expected):
    common = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "resample": 3}
    found = parse_preprocessing(values | common, "file")
    assert (found.size, found.shortest_edge) == expected
    assert (found.resample, found.mean, found.std) == ("bicubic", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    plain = parse_preprocessing(values | common | {"do_normalize": False}, "file")
    assert (plain.mean, plain.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    "values",
    [
        {"do_resize": False},
        {"do_rescale": False},
        {"rescale_factor": 1 / 127.5},
        {"size": {"shortest_edge": 224}},  # and no crop: pictures of many shapes
        {"size": {"height": 224, "width": 336}},
        {"size": {"height": 256, "width": 256}, "do_center_crop": True, "crop_size": 224},
        {"size": {"longest_edge": 224}},
    ],
)
def test_files_that_ask_for_something_else(values):
    common = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": {"height": 224, "width": 224}}
    with pytest.raises(ConfigError, match=r"/x/preprocessor_config\.json: this preprocessing is not known"):
        parse_preprocessing(common | values, "/x/preprocessor_config.json")


def test_network_of_an_unknown_type(tiny, tmp_path):
    folder = shutil.copytree(tiny.folder("dinov2"), tmp_path / "vit")
    (folder / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(ConfigError, match=r"no rule for networks of type 'vit'[\s\S]*encoder\.vision=timm"):
        HuggingFaceVision(str(folder)).check()


@pytest.mark.parametrize("kind", KINDS)
def test_width_that_the_checkpoint_does_not_have(tiny, kind):
    encoder = HuggingFaceVision(str(tiny.folder(kind)), dim=7)
    for use in (encoder.check, encoder.load):
        with pytest.raises(ConfigError, match=rf"encoder\.vision\.dim=7.*rows of {tiny.width[kind]} numbers"):
            use()
    assert HuggingFaceVision(str(tiny.folder(kind))).dim == tiny.width[kind]


def test_text_checkpoint_in_place_of_pictures(tiny):
    with pytest.raises((ConfigError, DataError), match="bert"):
        HuggingFaceVision(str(tiny.folder("bert"))).load()
