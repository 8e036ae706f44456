"""Picture-token rules, one file per rule: the module `x.py` holds the function `x(sizes, *, option=default, …)`.

`sizes` is (P, 2) float64, width and height in pixels, NaN = unknown; the result is (P,) tokens, NaN where the rule
needs a size that is unknown or the model would refuse the picture. Options are keyword-only, annotated `int` (they
must be ≥ 1, `picture_tokens` ≥ 0) or `Literal`.

Counted are the positions that a picture fills in the prompt and the row breaks between them; the markers that open or
close a picture or a tile (mostly one or two a picture) are not.
"""
