"""The table of policies and their settings."""

from __future__ import annotations

import pytest

from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.units import JointSpec
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies import POLICIES, make_policy
from lerobot_policy.policies.policy import Policy

JOINTS = (JointSpec('pan'),)


def test_every_entry_of_the_table_is_a_policy():
    assert {'replay', 'scripted'} <= set(POLICIES.names())
    assert all(issubclass(POLICIES.load(name), Policy) for name in POLICIES.names())


def test_a_policy_is_made_by_name():
    assert make_policy(PolicyConfig(type='scripted'), JOINTS).action_names == ('pan.pos',)
    with pytest.raises(ConfigError, match=r"unknown policy type 'gpt'; known types: .*replay"):
        make_policy(PolicyConfig(type='gpt'), JOINTS)


def test_what_is_no_policy_is_refused(monkeypatch):
    monkeypatch.setitem(POLICIES._table, 'odd', 'test_policies_odd:Odd')
    monkeypatch.setitem(
        __import__('sys').modules, 'test_policies_odd', type('M', (), {'Odd': Odd})
    )
    with pytest.raises(ConfigError, match="policy type 'odd' is not derived from Policy"):
        make_policy(PolicyConfig(type='odd'), JOINTS)


class Odd:
    def __init__(self, config, joints):
        pass


@pytest.mark.parametrize(
    ('section', 'told'),
    [
        ({}, 'policy.type is missing'),
        ({'fps': 0}, 'policy: fps must be a whole number above 0, found 0$'),
        ({'seed': -1}, 'seed must be not negative, found -1$'),
        ({'max_age_s': 0}, 'max_age_s must be a time above 0 s'),
        ({'max_age_s': float('nan')}, 'max_age_s must be a time above 0 s, found nan'),
        ({'max_age_s': float('inf')}, 'max_age_s'),
        ({'approach_tolerance': float('nan')}, 'approach_tolerance must be a number above 0'),
        ({'approach_timeout_s': -1}, 'approach_timeout_s must be a time above 0 s'),
        ({'episode': 'last'}, "policy.episode: .*found 'last'"),
        ({'spead': 1}, 'policy.spead is not a known key'),
    ],
)
def test_settings_that_cannot_be_obeyed(section, told):
    values = {'type': 'replay', **section} if section else {}
    with pytest.raises(ConfigError, match=told):
        build(PolicyConfig, values, 'policy')
