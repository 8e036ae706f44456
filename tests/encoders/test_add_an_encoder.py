"""The recipe in docs/add_an_encoder.md works to the letter, and docs/encoders.md says what the YAMLs say."""

import importlib.util
import inspect
import math
import re
import sys

import numpy as np
import pytest
import yaml

from vlrb.utils.cli import ROOT
from vlrb.utils.errors import ConfigError
from vlrb.utils.instantiate import build, locate

RECIPE = (ROOT / "docs" / "add_an_encoder.md").read_text(encoding="utf-8")
TABLES = (ROOT / "docs" / "encoders.md").read_text(encoding="utf-8")
CONF = ROOT / "conf" / "encoder"


def block(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", RECIPE, re.DOTALL)[1]


@pytest.fixture
def node(tmp_path, monkeypatch):
    """The options of the second code block, with the first one where it says it should be."""
    found = yaml.safe_load(block("yaml"))
    module_name = found["_target_"].rpartition(".")[0]
    path = tmp_path / module_name.replace(".", "/")
    path.parent.mkdir(parents=True)
    path = path.with_suffix(".py")
    path.write_text(block("python"), encoding="utf-8")
    assert path.relative_to(tmp_path).as_posix() in RECIPE
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module_name, module)
    spec.loader.exec_module(module)
    return found


def test_yaml_is_that_of_the_class(node):
    parameters = inspect.signature(locate(node.pop("_target_"), "encoder.text")).parameters
    assert node == {name: parameter.default for name, parameter in parameters.items()}


def test_recipe_by_hand(node):
    """`Is 2×2=4?` has nine characters: 3 digits, 1 capital, 1 space, 2 signs (× and =), 1 beyond ASCII (×)."""
    encoder = build(node | {"longest": 99}, "encoder.text")
    rows = encoder.encode(["Is 2×2=4?", "", "a" * 500])
    assert len("Is 2×2=4?") == 9
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows[0], [3 / 9, 1 / 9, 1 / 9, 2 / 9, 1 / 9, math.log(10) / math.log(100)], rtol=1e-6)
    assert rows[1].tolist() == [0] * 6
    assert rows[2].tolist() == [0, 0, 0, 0, 0, 1]
    assert encoder.settings() == {"longest": 99}
    with pytest.raises(ConfigError, match="longest must be at least 1"):
        build(node | {"longest": 0}, "encoder.text")


ROWS = re.findall(r"^\| `(\w+)` \| (\[.*huggingface\.co/.*)\|$", TABLES, re.MULTILINE)


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_tables_say_what_the_yaml_says(name, row):
    path = next(CONF.glob(f"*/{name}.yaml"))
    options = yaml.safe_load(path.read_text(encoding="utf-8"))
    cells = [cell.strip() for cell in row.split("|")]
    assert f"[{options['model']}](https://huggingface.co/{options['model']}) `{options['revision'][:8]}`" == cells[0]
    assert cells[1] == f"{options['dim']:,}"
    if path.parent.name == "text":
        pooling = {"cls": "first token", "mean": "mean"}[options["pooling"]]
        prefix = f"`{options['prefix']}`" if options["prefix"] else "–"
        normal = {True: "yes", False: "–"}[options["normalize"]]
        assert cells[2:] == [pooling, prefix, f"{options['max_tokens']:,}", normal]


def test_every_published_encoder_stands_in_a_table():
    assert len(ROWS) == 13
