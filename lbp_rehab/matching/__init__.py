"""How alike two repetitions are: of the same person, or of the person and a therapist."""
