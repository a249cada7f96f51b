"""A page of plots, annotated frames and tables of a recorded session."""

from lbp_rehab.report.load import Session, load
from lbp_rehab.report.page import write_page

__all__ = ["Session", "load", "write_page"]
