"""How far the stamps of sEMG and camera are apart, by events that both see."""

from lbp_rehab.sync.offset import Offset, measure_offset, sentence

__all__ = ["Offset", "measure_offset", "sentence"]
