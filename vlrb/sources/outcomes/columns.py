"""Which column plays which role: declared, or found by its usual names; and the model columns of the wide form."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Final

from vlrb.sources.outcomes.files import OutcomesTable
from vlrb.sources.outcomes.settings import Columns, Options
from vlrb.utils.errors import DataError
from vlrb.utils.suggest import did_you_mean, nearest

# Usual names of each role, best first; case, spaces and hyphens do not matter. `answer` alone is not among them: in
# evaluation logs it is the right answer, not the model's.
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "sample": ("sample_id", "sample", "id", "index", "question_id", "qid", "instance_id", "uid"),
    "model": ("model_id", "model", "model_name", "vlm", "llm"),
    "quality": ("quality", "correct", "is_correct", "score", "accuracy", "acc", "hit", "performance", "reward"),
    "cost": ("cost_usd", "cost", "usd", "total_cost"),
    "tokens_in": ("tokens_in", "input_tokens", "prompt_tokens", "in_tokens"),
    "tokens_out": ("tokens_out", "output_tokens", "completion_tokens", "out_tokens"),
    "answer": ("prediction", "response", "model_response", "output", "completion"),
    "dataset": ("dataset", "benchmark", "eval_name"),
    "prompt": ("prompt", "question", "query", "text"),
    "question": ("question",),
    "images": ("images", "image", "image_path", "image_paths", "img_path", "img", "pictures", "picture"),
    "split": ("split", "given_split"),
    "split_key": ("split_key", "split_group", "group_key"),
    "task": ("task", "task_type"),
    "group": ("group",),
}
OF_A_MODEL: Final = ("quality", "cost", "tokens_in", "tokens_out", "answer")
# How the wide form ends the name of a model's column: <model>_correct, <model>|total_cost, …
ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    **{role: ALIASES[role] for role in OF_A_MODEL},
    "answer": (*ALIASES["answer"], "answer"),
}
_KNOWN: Final = {name for names in ALIASES.values() for name in names}
_ENDING = {ending: role for role, endings in ENDINGS.items() for ending in endings}
_PATTERN = re.compile(
    r"(?P<model>.+?)[ _|:/.-](?P<ending>" + "|".join(sorted(_ENDING, key=len, reverse=True)) + ")", re.IGNORECASE
)
Roles = dict[str, str]


def fold(title: str) -> str:
    """Return a title as aliases are written.

    >>> fold("Sample ID"), fold("model-name")
    ('sample_id', 'model_name')
    """
    return re.sub(r"[\s-]+", "_", title.strip().lower())


def find_roles(table: OutcomesTable, declared: Columns) -> Roles:
    """Return the column of each role that has one.

    Raises:
        DataError: A declared column is not there.
    """
    folded: dict[str, str] = {}
    for title in table.columns:
        folded.setdefault(fold(title), title)
    roles: Roles = {}
    for role, title in asdict(declared).items():
        if title is not None:
            if title not in table.columns:
                raise DataError(
                    f"{table.name}: no column {title!r} (dataset.source.columns.{role})",
                    did_you_mean(title, table.columns),
                )
            roles[role] = title
        else:
            found = next((folded[name] for name in ALIASES[role] if name in folded), None)
            if found is not None:
                roles[role] = found
    return roles


def model_columns(table: OutcomesTable, taken: Iterable[str], models: list[str] | None) -> dict[str, Roles]:
    """Return for each model of a wide table the columns of its roles; every model has a quality column.

    Args:
        table: The table.
        taken: Columns that describe samples.
        models: Only these models; None = all found.

    Raises:
        DataError: A listed model has no quality column, or a column belongs to a model without one.
    """
    found: dict[str, Roles] = {}
    left = [title for title in table.columns if title not in set(taken) and fold(title) not in _KNOWN]
    for title in left:
        match = _PATTERN.fullmatch(title)
        if match and (models is None or match["model"] in models):
            role = _ENDING[match["ending"].lower()]
            _claim(table, found.setdefault(match["model"], {}), role, title)
    for model in found if models is None else models:
        roles = found.setdefault(model, {})
        if "quality" not in roles and model in left:  # the column that bears the model's name alone
            roles["quality"] = model
    _check_quality(table, found, models)
    return found


def _claim(table: OutcomesTable, roles: Roles, role: str, title: str) -> None:
    if role in roles:
        raise DataError(
            f"{table.name}: columns {roles[role]!r} and {title!r} are both the {role} of one model",
            "keep one of them",
        )
    roles[role] = title


def _check_quality(table: OutcomesTable, found: dict[str, Roles], models: list[str] | None) -> None:
    for model, roles in found.items():
        if "quality" in roles:
            continue
        wanted = f"{model}_correct"
        if not roles:
            raise DataError(f"{table.name}: no column {wanted!r}", did_you_mean(wanted, table.columns))
        title = next(iter(roles.values()))
        close = nearest(wanted, [t for t in table.columns if t not in roles.values()])
        hint = f"did you mean the column {close!r}? " if close else ""
        raise DataError(
            f"{table.name}: column {title!r} belongs to model {model!r}, which has no quality column",
            f"{hint}call it {wanted!r}, or list the models to read: dataset.source.options.models=[…]",
        )


def choose_form(table: OutcomesTable, roles: Roles, options: Options) -> str:
    """Return "long" or "wide".

    Raises:
        DataError: The columns that the form needs are not there; the hint names what is there.
    """
    sample_titles = [title for role, title in roles.items() if role not in OF_A_MODEL]
    form = options.form
    if form == "auto":
        if "model" in roles and "quality" in roles:
            return "long"
        form = "long" if "model" in roles else "wide"
    if form == "long":
        for role in ("sample", "model", "quality"):
            if role not in roles:
                raise _no_column(table, role)
    elif not model_columns(table, sample_titles, options.models):
        raise _no_column(table, "quality")
    return form


def _no_column(table: OutcomesTable, role: str) -> DataError:
    close = [best for best in (nearest(fold(title), ALIASES[role]) for title in table.columns) if best]
    guess = next((title for title in table.columns if nearest(fold(title), ALIASES[role])), None) if close else None
    hint = f"did you mean {guess!r}? say so: dataset.source.columns.{role}={guess}; " if guess else ""
    wide = " and no <model>_correct columns" if role == "quality" else ""
    return DataError(
        f"{table.name}: no {role} column{wide}",
        f"{hint}usual names: {', '.join(ALIASES[role])}; there are: {', '.join(list(table.columns)[:20])}",
    )
