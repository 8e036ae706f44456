"""Tiny networks for tests of extraction, from the program that other tests start."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).with_name("extraction_job.py")


@pytest.fixture(scope="session")
def job() -> ModuleType:
    """The module `extraction_job`."""
    spec = importlib.util.spec_from_file_location("extraction_job", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["extraction_job"] = module
    spec.loader.exec_module(module)
    return module
