import pytest


@pytest.fixture(scope="session")
def body():
    """A body of the default shape; skips where the synthetic extra is not installed."""
    pytest.importorskip("anny")
    from lbp_rehab.synthetic import body as bodies

    return bodies.load({})


@pytest.fixture(scope="session")
def poser(body):
    from lbp_rehab.synthetic.bridge import BridgePoser

    return BridgePoser(body)
