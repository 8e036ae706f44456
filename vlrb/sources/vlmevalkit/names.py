"""What file and folder names of a VLMEvalKit work folder say: run, dataset, judge and kind of table."""

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

TABLE_ENDINGS = (".xlsx", ".tsv", ".json")  # in order of preference
PREDICTION = "prediction"
_RUN = re.compile(r"T(\d{8})(?:-(\d{6}))?(?:_G.+)?")
# Suffix of the stem → kind of table, most specific first; `judge` is the judge's name as it was given.
_FORMS = (
    ("detailed", re.compile(r"_detailed_results")),
    ("results", re.compile(r"_results")),
    ("auxmatch", re.compile(r"_auxmatch")),
    ("vanilla", re.compile(r"_(?P<judge>.+)_vanilla_circ0_result")),
    ("result", re.compile(r"_(?P<judge>.+)_result")),
    ("score", re.compile(r"_(?P<judge>.+)_score")),
    ("extract", re.compile(r"_(?P<judge>.+)_extract")),
    ("judged", re.compile(r"_(?P<judge>.+)")),
)
_NOT_TABLES = re.compile(
    r".*_(?:acc|acc_all|fine|metrics|rating|config|meta|checkpoint|PREV|structs|supp|tmp|response|processed"
    r"|vanilla_all_result|vanilla_result)|.*_[^_]+_acc|status"
)
_SUMMARY = re.compile(r"(?:.*[^_])?_score")  # `{STEM}_score.json`: totals; `{STEM}_{judge}_score` is a table
_TOTALS = re.compile(r"_(?P<kind>acc_all|acc)|(?:_(?P<judge>.+))?_score")
ANY_JUDGE_RULES = ("math_vista", "math_vision")


class Totals(NamedTuple):
    """What the name of a summary says: acc, acc_all or score, and the judge if it names one."""

    dataset: str
    kind: str
    judge: str


class Parsed(NamedTuple):
    """What a file name says; `sure` is False where the split into dataset and judge is a guess."""

    dataset: str
    form: str
    judge: str
    sure: bool = True


def run_date(folder: str) -> tuple[str, str]:
    """Return (date, time) of a run folder, ("", "") where its name tells none; later runs sort higher.

    >>> run_date("T20240222_Gmathv"), run_date("T20260409-081500"), run_date("mine")
    (('20240222', ''), ('20260409', '081500'), ('', ''))
    """
    found = _RUN.fullmatch(folder)
    return (found[1], found[2] or "") if found else ("", "")


def is_noise(stem: str) -> bool:
    """Return whether a stem (without its model) is one of a file that never holds one row per sample."""
    return _NOT_TABLES.fullmatch(stem) is not None


def may_be_summary(stem: str, ending: str) -> bool:
    """Return whether a file may hold totals of a dataset (`{judge}_score.json` may also be a table of rows)."""
    kinds = {".csv": ("_acc", "_acc_all", "_score"), ".json": ("_acc", "_acc_all")}
    return stem.endswith(kinds.get(ending, ()))


def parse_totals(rest: str, datasets: Collection[str]) -> Totals | None:
    """Return what a summary's stem after `<model>_` says; None if it is none of these datasets' totals.

    >>> parse_totals("MathVista_MINI_gpt-4o_score", ["MathVista_MINI"])
    Totals(dataset='MathVista_MINI', kind='score', judge='gpt-4o')
    """
    for name in sorted((n for n in datasets if rest.startswith(f"{n}_")), key=len, reverse=True):
        found = _TOTALS.fullmatch(rest[len(name) :])
        if found is not None:
            return Totals(name, found["kind"] or "score", found["judge"] or "")
    return None


def parse(rest: str, rules: dict[str, str], judges: Collection[str]) -> Parsed:
    """Return what the part of a stem after `<model>_` says.

    Args:
        rest: E.g. "MMStar_openai_result".
        rules: Names of datasets that may occur → scoring rule.
        judges: Names of judges that may occur.

    Returns:
        The longest dataset name that fits wins; an unknown name is what is left without a known ending.
    """
    for name in sorted((n for n in rules if rest == n or rest.startswith(f"{n}_")), key=len, reverse=True):
        if rest == name:
            return Parsed(name, PREDICTION, "")
        found = _form(rest[len(name) :], rules[name], judges)
        if found is not None:
            return Parsed(name, *found)
    return _unknown(rest, judges)


def _form(suffix: str, rule: str, judges: Collection[str]) -> tuple[str, str, bool] | None:
    if _SUMMARY.fullmatch(suffix) and suffix == "_score":
        return "summary", "", True
    for form, pattern in _FORMS:
        found = pattern.fullmatch(suffix)
        if found is None:
            continue
        judge = found.groupdict().get("judge", "")
        if form == "judged" and judge not in judges:
            return (form, judge, False) if rule in ANY_JUDGE_RULES else None
        return form, judge, True
    return None


def _unknown(rest: str, judges: Collection[str]) -> Parsed:
    """Strip the endings that a result file is known to have; a judge is one known by name or one word."""
    for ending in ("_detailed_results", "_results", "_auxmatch", "_score"):
        known_judge = ending == "_score" and _ends_with_judge(rest.removesuffix(ending), judges)
        if rest.endswith(ending) and not known_judge and rest != ending:
            form = {"_score": "summary"}.get(ending, ending.rpartition("_")[2])
            return Parsed(rest.removesuffix(ending), "detailed" if "detailed" in ending else form, "", sure=False)
    for ending, form in (("_result", "result"), ("_score", "score"), ("_extract", "extract"), ("", "judged")):
        body = rest.removesuffix(ending)
        judge = _ends_with_judge(body, judges) if rest.endswith(ending) else ""
        if judge:
            return Parsed(body.removesuffix(f"_{judge}"), form, judge, sure=False)
    if rest.endswith("_result") and rest.count("_") >= 2:
        dataset, judge = rest.removesuffix("_result").rsplit("_", 1)
        return Parsed(dataset, "result", judge, sure=False)
    return Parsed(rest, PREDICTION, "", sure=False)


def _ends_with_judge(text: str, judges: Iterable[str]) -> str:
    fitting = [judge for judge in judges if text.endswith(f"_{judge}") and len(text) > len(judge) + 1]
    return max(fitting, key=len, default="")
