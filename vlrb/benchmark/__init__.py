"""The benchmark on disk: outcomes, tokens, costs, splits and reports as parts beside each other, and views of them."""
