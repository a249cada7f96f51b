"""Low-back-pain rehabilitation as a ROS 2 graph.

Read the package from the top: ``graph`` says what runs, a module of ``nodes`` says what goes in and
out, and the core package of the same subject (``pose``, ``pelvis``, ``emg``, ...) says how.
"""

from pkgutil import extend_path

# The generated lbp_rehab.msg, .srv and .action may be installed elsewhere than these modules
# (an editable install, or pytest run from the source tree).
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
