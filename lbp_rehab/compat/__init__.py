"""cv_bridge and message_filters: the real ones where ROS has them, else stand-ins of the same API.

On a ROS machine the real packages are used. They are not on PyPI, so elsewhere the modules of this
package take their place with the part of the interface that lbp_rehab needs.
"""

try:
    from cv_bridge import CvBridge, CvBridgeError
except ImportError:
    from lbp_rehab.compat.cv_bridge import CvBridge, CvBridgeError

try:
    from message_filters import ApproximateTimeSynchronizer, SimpleFilter
except ImportError:
    from lbp_rehab.compat.message_filters import ApproximateTimeSynchronizer, SimpleFilter

__all__ = ["ApproximateTimeSynchronizer", "CvBridge", "CvBridgeError", "SimpleFilter"]
