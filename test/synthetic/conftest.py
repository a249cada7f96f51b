import pytest


@pytest.fixture(scope="session")
def body(synthetic_extra):
    """A body of the default shape."""
    from lbp_rehab.synthetic.person import body as bodies

    return bodies.load({})


@pytest.fixture(scope="session")
def poser(body):
    from lbp_rehab.synthetic.bridge import BridgePoser

    return BridgePoser(body)
