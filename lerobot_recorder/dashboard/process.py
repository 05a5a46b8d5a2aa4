"""The dashboard as a process beside a session."""

from __future__ import annotations

from pathlib import Path

from lerobot_drivers.common.supervisor import ProcessSpec
from lerobot_recorder.dashboard.config import TOKEN_VARIABLE, DashboardConfig

MODULE = 'lerobot_recorder.dashboard_node'


def dashboard_process(
    config: DashboardConfig, namespace: str, config_file: Path | None
) -> ProcessSpec:
    """Return the process.

    The token goes by the environment, which other users cannot read.

    Args:
        config: where it listens.
        namespace: of the recorder, empty to take the one that is found.
        config_file: the session's file, None in a session of others.
    """
    parameters: dict[str, object] = {
        'host': config.host,
        'port': config.port,
        'recorder': namespace,
        'config_file': str(config_file or ''),
        'certificate': str(config.certificate.expanduser()) if config.certificate else '',
        'key': str(config.key.expanduser()) if config.key else '',
    }
    return ProcessSpec(
        'dashboard',
        MODULE,
        namespace,
        parameters,
        env={TOKEN_VARIABLE: config.token},
        is_vital=False,
    )
