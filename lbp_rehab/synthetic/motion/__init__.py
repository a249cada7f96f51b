"""How the synthetic person moves: exercises, faults, styles, and poses that rest on a support."""
