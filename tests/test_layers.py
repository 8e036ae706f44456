"""The architecture as a test: a file imports only lower layers, and light modules stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from vlrb.utils.cli import ROOT

LOWER = ("metrics", "sources", "benchmark", "encoders", "data", "routers", "evaluation")
ORDER = (*LOWER, "routing", "report", "tracking", "tasks")
EVERYBODY = {"schema", "utils"}
PACKAGE = ROOT / "vlrb"
FILES = sorted(PACKAGE.rglob("*.py"))


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    """Layers that a file imports anywhere, also inside functions (strings in `_TASKS`-like tables do not count)."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "vlrb" else [f"vlrb.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("vlrb.")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_imports_only_lower_layers(path: Path) -> None:
    layer = layer_of(path)
    if layer == "schema":
        allowed: set[str] = set()
    elif layer == "utils":
        allowed = EVERYBODY
    elif layer == "demo":
        allowed = {"schema", "demo"}
    elif path == PACKAGE / "__init__.py":  # the package's door: names of what lies behind it, imported when asked for
        allowed = {"routing"}
    elif layer in ORDER:
        allowed = EVERYBODY | set(ORDER[: ORDER.index(layer) + 1])
    else:
        allowed = EVERYBODY
    assert imported_layers(path) <= allowed


def test_nobody_but_the_scripts_uses_tasks() -> None:
    users = [p for p in FILES if "tasks" in imported_layers(p) and layer_of(p) != "tasks"]
    assert users == []
    assert {p.stem for p in ROOT.glob("*.py")} == {"train", "evaluate", "build_data"}


def test_only_report_code_reads_the_truth() -> None:
    """The generator's truth must not reach routers, features or decisions."""
    readers = {
        layer_of(p)
        for p in FILES
        if "TRUTH_FILE" in p.read_text(encoding="utf-8") or "truth.parquet" in p.read_text(encoding="utf-8")
    }
    assert readers <= {"schema", "demo", "report"}


def test_no_pickle_is_ever_loaded() -> None:
    banned = ("pickle.load", "read_pickle", "allow_pickle=True", "weights_only=False", "joblib.load")
    found = [(p.name, word) for p in FILES for word in banned if word in p.read_text(encoding="utf-8")]
    assert found == []


HEAVY = ("torch", "lightning", "transformers", "timm", "pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "wandb")


@pytest.mark.process
@pytest.mark.parametrize("script", ["train", "evaluate", "build_data"])
def test_composing_imports_nothing_heavy(script: str) -> None:
    code = (
        "import sys; from vlrb.utils.cli import run_script; "
        f"code = run_script({script!r}, ['--cfg', 'job']); "
        f"heavy = sorted(set({HEAVY!r}) & set(sys.modules)); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_files_and_functions_stay_small() -> None:
    """Long files and functions are where bugs live (docs/style: 300 lines a file; 60 a function is the hard end)."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno <= 60, f"{path}:{node.name}"
