from typing import Literal

import pytest

from vlrb.utils.errors import ConfigError
from vlrb.utils.instantiate import build
from vlrb.utils.types import check_value, fits


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (5, int, True),
        (True, int, False),
        (5, float, True),
        ("5", float, False),
        (None, int | None, True),
        (5.5, int | None, False),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        ([1, 2], list[int], True),
        ([1, "2"], list[int], False),
        ("12", list[str], False),
        ({"a": 1.5}, dict[str, float], True),
        ({"a": "x"}, dict[str, float], False),
    ],
)
def test_fits(value: object, annotation: object, expected: bool) -> None:
    assert fits(value, annotation) is expected


def test_wrong_type_names_the_key() -> None:
    with pytest.raises(ConfigError, match=r"router\.k must be a whole number, not 'five'"):
        check_value("five", int, "router.k")


class Thing:
    def __init__(self, size: int, name: str = "x", inner: object = None) -> None:
        self.size, self.name, self.inner = size, name, inner


TARGET = f"{__name__}.Thing"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules[Thing.__module__])


def test_build_nested_and_given() -> None:
    thing = build({"_target_": TARGET, "size": 1, "inner": {"_target_": TARGET, "size": 2}}, "thing", name="given")
    assert (thing.size, thing.name, thing.inner.size) == (1, "given", 2)


@pytest.mark.parametrize(
    ("node", "part"),
    [
        ({"_target_": TARGET, "sise": 1}, r"unknown key 'thing.sise'"),
        ({"_target_": TARGET, "sise": 1}, r"did you mean 'size'"),
        ({"_target_": TARGET, "size": "big"}, r"thing.size must be a whole number"),
        ({"_target_": TARGET}, r"thing.size has no value"),
        ({"_target_": "vlrb.nowhere.Thing"}, r"no module 'vlrb.nowhere'"),
        ({"_target_": "vlrb.utils.errors.DataErro"}, r"did you mean 'DataError'"),
    ],
)
def test_build_refuses(node: dict, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        build(node, "thing")
