"""vlrb: vision–language model routing, from evaluation logs to honest leaderboards.

Importing the package is light; torch and pandas are loaded by the parts that need them.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlrb.routing.load import load_router
    from vlrb.routing.loaded import LoadedRouter
    from vlrb.routing.query import Choice, Query, canonical_prompt

__version__ = "0.1.0"
__all__ = ["Choice", "LoadedRouter", "Query", "__version__", "canonical_prompt", "load_router"]

_HOMES = {
    "load_router": "load",
    "LoadedRouter": "loaded",
    "Choice": "query",
    "Query": "query",
    "canonical_prompt": "query",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Return what stands for a public name, importing its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'vlrb' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"vlrb.routing.{_HOMES[name]}"), name)
