"""Which pictures are the same, or nearly: every distinct picture is decoded once, marked, and compared by its mark."""
