"""Camera sources and the frames they give."""
