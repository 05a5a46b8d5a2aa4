import pytest
from fake_servos import FakeServos


@pytest.fixture
def fake_servos():
    """The class of scripted servos."""
    return FakeServos


@pytest.fixture
def servos():
    """Six scripted STS3215."""
    return FakeServos()
