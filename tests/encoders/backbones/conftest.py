"""Samples for backbones, and the ways to build and ask one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from vlrb.encoders.backbones.base import Backbone
from vlrb.utils.cli import ROOT
from vlrb.utils.instantiate import build

ENCODERS = Path(ROOT) / "conf" / "encoder"
TINY = sorted(path.stem for path in ENCODERS.glob("*_tiny.yaml"))
PRETRAINED = sorted(path.stem for path in ENCODERS.glob("*_base.yaml"))
PROMPTS = (
    "How many people stand next to the bus?",
    "Read the chart. In which year was the value of exports the highest, and by how much did it fall in the next?",
    "What is the length of the hypotenuse?",
    "",
    "Which option is right? A. one B. two C. three",
    "What is written on the bus?",
)
COUNTS = (1, 2, 0, 1, 3, 0)  # pictures of each


def encoder_node(name: str) -> dict[str, Any]:
    """An encoder's YAML, without the files that it is composed with."""
    node: Any = OmegaConf.to_container(OmegaConf.load(ENCODERS / f"{name}.yaml"), resolve=True)
    return dict(node)


def make(name: str, seed: int = 0) -> Backbone:
    """A backbone of conf/encoder, loaded, ready to be asked."""
    backbone: Backbone = build(encoder_node(name)["backbone"], "encoder.backbone")
    backbone.learn_text(PROMPTS)
    torch.manual_seed(seed)
    backbone.load()
    return backbone.eval()


def pictures(seed: int = 0) -> list[list[Image.Image]]:
    """Noise of many shapes for each prompt."""
    rng = np.random.default_rng(seed)

    def one() -> Image.Image:
        height, width = rng.integers(20, 160, 2)
        return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))

    return [[one() for _ in range(count)] for count in COUNTS]


def inputs(backbone: Backbone, prompts: Sequence[str], images: Sequence[Sequence[Image.Image]]) -> dict[str, Any]:
    """The inputs of a batch."""
    preprocess = backbone.preprocessor()
    return preprocess(prompts, [[preprocess.picture(image) for image in listed] for listed in images])


def ask(backbone: Backbone, prompts: Sequence[str], images: Sequence[Sequence[Image.Image]]) -> torch.Tensor:
    """The rows of a batch."""
    with torch.no_grad():
        return backbone(inputs(backbone, prompts, images))


@pytest.fixture(scope="session")
def samples() -> SimpleNamespace:
    """Everything that the tests of backbones share."""
    helpers: dict[str, Callable[..., Any]] = {
        "node": encoder_node,
        "make": make,
        "pictures": pictures,
        "inputs": inputs,
        "ask": ask,
    }
    return SimpleNamespace(prompts=PROMPTS, **helpers)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test once for every backbone with random weights, or with pretrained ones, that conf/encoder has."""
    for argument, names in (("tiny_name", TINY), ("pretrained_name", PRETRAINED)):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, names, scope="session")
