"""`evaluate.py headroom=true` looks at data rather than runs: it takes the choices of data that train.yaml makes."""

from collections.abc import Sequence
from pathlib import Path

BORROWED = ("dataset", "model_pool", "pricing", "tokens", "split")
SCOPE = "all"  # headroom is a property of all samples; nothing is trained, so nothing can leak


def borrow_choices(script: str, overrides: Sequence[str], conf: Path) -> list[str]:
    """Return the overrides with the defaults of train.yaml for what evaluate.py needs to look at data.

    Groups that are chosen stay as they are; anything but `evaluate.py headroom=true` is returned unchanged.

    Args:
        script: train, evaluate or build_data.
        overrides: Words for Hydra.
        conf: The config folder.
    """
    words = list(overrides)
    asked = [word.partition("=")[2] for word in words if word.partition("=")[0] == "headroom"]
    if script != "evaluate" or not asked or asked[-1].lower() != "true":
        return words
    import yaml

    given = {word.partition("=")[0].lstrip("+") for word in words}
    defaults = yaml.safe_load((conf / "train.yaml").read_text(encoding="utf-8"))["defaults"]
    chosen = {group: option for entry in defaults if isinstance(entry, dict) for group, option in entry.items()}
    borrowed = [f"{group}={chosen[group]}" for group in BORROWED if group not in given]
    return [*words, *borrowed, *([] if "scope" in given else [f"scope={SCOPE}"])]
