"""Which exercise the patient does, or that it is none of those that are known."""
