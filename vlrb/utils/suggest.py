"""'Did you mean …?' for misspelt names."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None if nothing is close.

    >>> nearest("accurcy", ["accuracy", "cost"])
    'accuracy'
    """
    names = {k.lower(): k for k in known}
    longer = [k for k in names if k.startswith(name.lower())]
    if len(longer) == 1 and name:  # a beginning says more than likeness: "drop" → "drop_sample"
        return names[longer[0]]
    found = get_close_matches(name.lower(), list(names), n=1, cutoff=0.6)
    return names[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint such as ``did you mean 'mlp'? valid: knn, mlp`` for a misspelt name.

    >>> did_you_mean("mpl", ["mlp", "knn"])
    "did you mean 'mlp'? valid: knn, mlp"
    """
    valid = sorted(known)
    best = nearest(name, valid)
    listed = ", ".join(valid) if valid else "none"
    return f"did you mean '{best}'? valid: {listed}" if best else f"valid: {listed}"
