"""The unit of stamps: integer nanoseconds."""

NANOSECONDS = 1_000_000_000  # in a second
