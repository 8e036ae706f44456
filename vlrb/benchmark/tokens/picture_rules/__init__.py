"""Picture-token rules, one file per rule: the module `x.py` holds the function `x(sizes, picture_tokens)`."""
