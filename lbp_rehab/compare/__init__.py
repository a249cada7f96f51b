"""Two recordings of the same thing, held against each other: what moved, where, when, how much."""
