import importlib.util

import pytest


@pytest.fixture(scope="session")
def synthetic_extra():
    """Skips where the extra ``synthetic`` is not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("anny", "numba")):
        pytest.skip("needs the extra synthetic")


@pytest.fixture(scope="session")
def body(synthetic_extra):
    """A body of the default shape."""
    from lbp_rehab.synthetic.person import body as bodies

    return bodies.load({})


@pytest.fixture(scope="session")
def poser(body):
    from lbp_rehab.synthetic.bridge import BridgePoser

    return BridgePoser(body)
