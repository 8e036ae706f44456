"""One small scoring rule per dataset family: which files hold its grades, in order of preference, and how to read them.

To add a dataset: an entry in `datasets.KNOWN` that names a rule here; to add a rule: a file beside this one.
"""

from typing import Final

from vlrb.sources.vlmevalkit.scoring import (
    choice,
    distance,
    explicit,
    math_verse,
    math_vision,
    math_vista,
    ocr,
    relaxed,
    soft_vqa,
    yes_no,
)
from vlrb.sources.vlmevalkit.scoring.base import Grades, Method, NoGradeColumnError, Scorer

__all__ = ["COMMON", "RULES", "Grades", "Method", "NoGradeColumnError", "Scorer", "methods_for"]

_LETTERS = ("prediction", "answer")
_VISTA = ("question_type", "answer_type", "choices", "answer", "answer_option")
_VERIFIED = Method("detailed", explicit.VERIFIER_COLUMNS, explicit.score_verifier)
_HIT = Method("result", explicit.HIT_COLUMNS, explicit.score_hit)

RULES: Final[dict[str, tuple[Method, ...]]] = {
    "choice": (_HIT, _VERIFIED, Method("prediction", _LETTERS, choice.score_letters)),
    "circular": (_HIT, Method("prediction", (*_LETTERS, "g_index"), choice.score_circular)),
    "vanilla": (
        Method("vanilla", explicit.HIT_COLUMNS, explicit.score_hit),
        Method("prediction", (*_LETTERS, "g_index"), choice.score_letters),
    ),
    "yes_no": (
        Method("auxmatch", ("score", "extracted", "answer"), yes_no.score_auxmatch),
        _VERIFIED,
        Method("prediction", _LETTERS, yes_no.score_yes_no),
    ),
    "math_vista": (
        Method("judged", ("res", "log", *_VISTA), math_vista.score_res),
        _VERIFIED,
        Method("prediction", ("prediction", *_VISTA), math_vista.score_prediction),
    ),
    "math_vista_fair": (
        Method("judged", ("res", "log", *_VISTA), math_vista.score_res_fair),
        _VERIFIED,
        Method("prediction", ("prediction", *_VISTA), math_vista.score_prediction),
    ),
    "math_vision": (
        Method("judged", ("res", "log", "choices", "answer"), math_vision.score_res),
        _VERIFIED,
        Method("prediction", ("prediction", "choices", "answer"), math_vision.score_prediction),
    ),
    "math_verse": (
        Method("score", ("score",), math_verse.score_score),
        _VERIFIED,
        Method("extract", ("extract", "answer"), math_verse.score_extract),
    ),
    "soft_vqa": (
        Method("results", ("eval_score",), soft_vqa.score_eval),
        _VERIFIED,
        Method("prediction", _LETTERS, soft_vqa.score_prediction),
    ),
    "relaxed": (
        Method("results", ("eval_match",), relaxed.score_match),
        _VERIFIED,
        Method("prediction", _LETTERS, relaxed.score_prediction),
    ),
    "anls": (
        Method("results", ("eval_match",), distance.score_match),
        _VERIFIED,
        Method("prediction", _LETTERS, distance.score_prediction),
    ),
    "ocr": (_VERIFIED, Method("prediction", (*_LETTERS, "category"), ocr.score_substring)),
    "explicit": tuple(
        Method(form, explicit.SCORE_COLUMNS, explicit.score_any)
        for form in ("result", "score", "judged", "auxmatch", "results", "detailed", "prediction")
    ),
}
# A right/wrong column is believed in any other file too, after the ones that a dataset's evaluator is known to write.
COMMON: Final = tuple(
    Method(form, explicit.HIT_COLUMNS, explicit.score_hit) for form in ("result", "judged", "results", "score")
)
WEAK_FORMS: Final = ("extract", "prediction")


def methods_for(rule: str) -> tuple[Method, ...]:
    """Return the ways to grade, best first: files with grades, then what can be worked out from less."""
    own = RULES[rule]
    strong = [method for method in own if method.form not in WEAK_FORMS]
    taken = {method.form for method in own}
    extra = [method for method in COMMON if method.form not in taken]
    if rule == "vanilla":  # the official marks are of all rotations together
        extra = [method for method in extra if method.form != "result"]
    return (*strong, *extra, *(method for method in own if method.form in WEAK_FORMS))
