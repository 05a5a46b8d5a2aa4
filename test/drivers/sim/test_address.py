from __future__ import annotations

import pytest

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.sim.address import SimAddress, is_sim_address


def test_address_goes_there_and_back():
    address = SimAddress.parse('sim://bench/follower_left')
    assert address == SimAddress('bench', 'follower_left')
    assert str(address) == 'sim://bench/follower_left'


@pytest.mark.parametrize(
    'text', ['sim://bench', 'bench/x', 'sim:///x', 'sim://a/', 'sim://a/../b']
)
def test_nonsense_is_refused(text):
    with pytest.raises(ConfigError):
        SimAddress.parse(text)


@pytest.mark.parametrize(
    ('text', 'answer'), [('sim://a/b', True), ('/dev/ttyACM0', False), (0, False)]
)
def test_is_sim_address(text, answer):
    assert is_sim_address(text) is answer
