"""The table of policies."""

from __future__ import annotations

from lerobot_drivers.common.errors import ConfigError
from lerobot_drivers.common.registry import Registry
from lerobot_drivers.common.units import JointSpec
from lerobot_policy.config import PolicyConfig
from lerobot_policy.policies.policy import Policy

POLICIES = Registry(
    'policy',
    {
        'replay': 'lerobot_policy.policies.replay:ReplayPolicy',
        'scripted': 'lerobot_policy.policies.scripted:ScriptedPolicy',
    },
)


def make_policy(config: PolicyConfig, joints: tuple[JointSpec, ...]) -> Policy:
    """Return the policy a configuration names.

    Raises:
        ConfigError: its type is unknown, or its settings cannot be obeyed.
    """
    policy = POLICIES.load(config.type)(config, joints)
    if not isinstance(policy, Policy):
        raise ConfigError(f'policy type {config.type!r} is not derived from Policy')
    return policy
