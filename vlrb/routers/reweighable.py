"""Which routers can be given another trade-off after training."""

import importlib
import inspect
import pkgutil

import vlrb.routers
from vlrb.routers.base import RouterModule


def reweighable() -> list[str]:
    """Return the names of the routers that can, as they are built by default.

    >>> "utility" in reweighable(), "linear" in reweighable()
    (True, False)
    """
    found: set[str] = set()
    for module in pkgutil.iter_modules(vlrb.routers.__path__):
        home = importlib.import_module(f"vlrb.routers.{module.name}")
        for kind in vars(home).values():
            whole = inspect.isclass(kind) and issubclass(kind, RouterModule) and not inspect.isabstract(kind)
            if whole and kind.__module__ == home.__name__ and not _needs_arguments(kind):
                router = kind()
                found |= {router.name} if router.can_reweigh else set()
    return sorted(found)


def _needs_arguments(kind: type[RouterModule]) -> bool:
    parameters = inspect.signature(kind).parameters.values()
    return any(parameter.default is parameter.empty for parameter in parameters)
