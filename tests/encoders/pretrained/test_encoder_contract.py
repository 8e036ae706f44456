"""What every encoder must keep to; each file in conf/encoder/text and conf/encoder/vision is found by listing."""

import inspect
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from vlrb.encoders.cache import feature_path
from vlrb.encoders.precomputed import PrecomputedFeatures
from vlrb.encoders.torch_encoder import TorchEncoder
from vlrb.utils.cli import ROOT
from vlrb.utils.errors import ConfigError
from vlrb.utils.instantiate import TARGET, build, locate

CONF = ROOT / "conf" / "encoder"
NAMES = sorted(
    f"{path.parent.name}/{path.stem}" for kind in ("text", "vision") for path in (CONF / kind).glob("*.yaml")
)
TOLERANCE = 1e-5
STANDS_FOR = {"bge_m3": "xlmr", "dinov2": "dinov2", "siglip": "siglip", "clip": "clip"}  # beginning of the YAML's name


def node(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def instead(name: str, tiny: SimpleNamespace, folder: Path) -> dict[str, Any]:
    """Options that put a tiny checkpoint of the same architecture in place of the published weights."""
    group, stem = name.split("/")
    target = node(name)[TARGET].rsplit(".", 1)[-1]
    if target == "PrecomputedFeatures":
        path = folder / "vectors.parquet"
        vectors = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
        pq.write_table(pa.table({"sample_id": [str(i) for i in range(20)], "embedding": list(vectors)}), path)
        return {"path": str(path)}
    if target == "TimmVision":
        path = tiny.folder("timm") / "weights.safetensors"
        return {"model": tiny.timm, "checkpoint": str(path), "preprocessing": {"size": 64}}  # fewer patches: faster
    if target in ("HuggingFaceText", "HuggingFaceVision"):
        default = "bert" if group == "text" else "dinov2"
        kind = next((kind for start, kind in STANDS_FOR.items() if stem.startswith(start)), default)
        return {"model": str(tiny.folder(kind)), "dim": tiny.width[kind]}
    return {}


@pytest.fixture(scope="module")
def ready(tiny: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Each encoder built from its YAML, once, or afresh."""
    cache: dict[str, Any] = {}

    def get(name: str, *, fresh: bool = False, **given: Any) -> Any:
        if fresh or given or name not in cache:
            options = instead(name, tiny, tmp_path_factory.mktemp("vectors"))
            encoder = build({**node(name), **options, **given}, "encoder." + name.split("/")[0])
            if fresh or given:
                return encoder
            cache[name] = encoder
        return cache[name]

    return get


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def items(name: str, tiny: SimpleNamespace) -> list[Any]:
    """Things to encode: prompts or pictures (ids of samples, where features come from a file)."""
    if node(name)[TARGET].endswith("PrecomputedFeatures"):
        return [str(i) for i in range(12)]
    return tiny.texts[::2] if name.startswith("text/") else tiny.pictures[::2]


def rows_of(encoder: Any, items: list[Any]) -> np.ndarray:
    return encoder.rows(items) if isinstance(encoder, PrecomputedFeatures) else encoder.encode(items)


def test_yaml_lists_every_constructor_argument(name):
    signature = inspect.signature(locate(node(name).pop(TARGET), "encoder"))
    assert set(node(name)) - {TARGET} == set(signature.parameters)
    assert not any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n.split("/")[1] in ("huggingface", "timm", "hashed", "statistics")]
)
def test_general_yaml_holds_the_constructor_defaults(name):
    options = node(name)
    for key, parameter in inspect.signature(locate(options.pop(TARGET), "encoder")).parameters.items():
        default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
        assert options[key] == ("???" if default is parameter.empty else default), key


def test_published_weights_are_pinned(name):
    options = node(name)
    if options.get("model", "???") != "???":
        assert len(options["revision"]) == 40
        assert options["dim"] > 0


def test_unknown_key_and_wrong_type_are_refused(name, ready):
    with pytest.raises(ConfigError, match=r"unknown key 'encoder\.\w+\.dims'"):
        ready(name, dims=3)
    key = next(k for k, value in node(name).items() if k != TARGET)
    with pytest.raises(ConfigError, match=rf"{key} must be"):
        ready(name, **{key: [["?"]]})


def test_rows_have_shape_and_are_numbers(name, ready, items):
    encoder = ready(name)
    rows = rows_of(encoder, items)
    assert rows.shape == (len(items), encoder.dim)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert len(np.unique(rows.round(4), axis=0)) > len(items) // 2, "rows tell items apart"


def test_nothing_to_encode(name, ready):
    encoder = ready(name)
    if not isinstance(encoder, PrecomputedFeatures):
        assert encoder.encode([]).shape == (0, encoder.dim)


def test_another_copy_gives_the_same_rows(name, ready, items):
    rows = rows_of(ready(name), items)
    assert np.array_equal(rows_of(ready(name), items), rows)
    torch.manual_seed(12345)  # whatever was drawn before must not matter
    assert np.array_equal(rows_of(ready(name, fresh=True), items), rows)


def test_batches_and_padding_do_not_matter(name, ready, items):
    encoder = ready(name)
    together = rows_of(encoder, items)
    alone = np.concatenate([rows_of(encoder, [item]) for item in items])
    thirds = np.concatenate([rows_of(encoder, items[i : i + 3]) for i in range(0, len(items), 3)])
    assert np.abs(together - alone).max() <= TOLERANCE
    assert np.abs(together - thirds).max() <= TOLERANCE


def test_row_order_does_not_matter(name, ready, items):
    order = np.random.default_rng(0).permutation(len(items))
    encoder = ready(name)
    difference = rows_of(encoder, items)[order] - rows_of(encoder, [items[i] for i in order])
    assert np.abs(difference).max() <= TOLERANCE


def test_thread_count_does_not_matter(name, ready, items):
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(rows_of(ready(name), items))
    finally:
        torch.set_num_threads(before)
    assert np.abs(found[0] - found[1]).max() <= TOLERANCE


def test_settings_identify_the_features(name, ready):
    encoder = ready(name)
    assert json.loads(json.dumps(encoder.settings())) == encoder.settings()
    assert encoder.revision
    assert "/" not in encoder.name
    assert feature_path(Path("b"), encoder) == feature_path(Path("b"), ready(name, fresh=True))
    if isinstance(encoder, TorchEncoder):
        for other in ({"normalize": not encoder.normalize}, {"precision": "float32"}):
            assert feature_path(Path("b"), encoder) != feature_path(Path("b"), ready(name, **other))


def test_networks_are_frozen_and_their_preprocessor_is_light(name, ready, items):
    encoder = ready(name, fresh=True)
    if not isinstance(encoder, TorchEncoder):
        pytest.skip("no network")
    encoder.check()
    assert not list(encoder.parameters()), "building and checking read no weights"
    prepare = pickle.loads(pickle.dumps(encoder.preprocessor()))
    assert not list(encoder.parameters()), "nor does the preprocessor"
    encoder.load()
    encoder.load()
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not any(part.training for part in encoder.network.modules())
    inputs = prepare(items)
    assert all(len(value) == len(items) and isinstance(value, torch.Tensor) for value in inputs.values())
    with torch.inference_mode():
        rows = encoder(inputs)
    assert rows.dtype == torch.float32
    np.testing.assert_allclose(rows.numpy(), encoder.encode(items), atol=TOLERANCE)
    json.dumps(encoder.details())


def test_encoding_cannot_reach_outcomes(name):
    """An encoder is given texts or pictures and nothing else."""
    target = locate(node(name)[TARGET], "encoder")
    method = target.rows if target is PrecomputedFeatures else target.encode
    assert len(inspect.signature(method).parameters) == 2  # self and the items
