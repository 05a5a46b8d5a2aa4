"""``lerobot-ros dashboard``: look at a running recorder, and operate it, in a browser."""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.common.command_line import make_console, read_sections
from lerobot_drivers.common.errors import GraphError
from lerobot_drivers.common.graph import namespace_of, open_session
from lerobot_drivers.common.supervisor import Supervisor
from lerobot_recorder.dashboard.config import dashboard_config, prepare
from lerobot_recorder.dashboard.process import dashboard_process

KNOWN = ('dashboard', 'robot')
HELP = """usage: lerobot-ros dashboard [--config_path=FILE] [--dashboard.key=value ...]

Shows a recorder that runs beside it, in a browser: cameras, health, episodes, buttons.
`lerobot-ros record --dashboard=true` brings it along by itself.

  --config_path=FILE           the file the recorder was started with: a simulated session is
                               found by it, and one recorder among several
  --dashboard.host=127.0.0.1   where to listen; beyond this machine it takes the next three
  --dashboard.token=TOKEN      what a browser must know, 16 characters or more; better given
                               as LEROBOT_ROS_DASHBOARD_TOKEN, which other users cannot see
  --dashboard.certificate=FILE, --dashboard.key=FILE     PEM files for TLS
  --dashboard.port=8000        0 takes a free one

Ctrl-C ends it; the recorder goes on."""


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``dashboard``.

    Raises:
        UsageError: flags that cannot be obeyed.
        ConfigError: it may not or cannot listen there, or aiohttp is missing.
        GraphError: there is no rclpy, or the process died.
    """
    sections = read_sections(arguments, KNOWN)
    config = prepare(dashboard_config(sections.pop('dashboard', None)))
    console = make_console()
    config_file = open_session(sections, console.print)
    is_session = 'dataset' in sections
    namespace = namespace_of(sections['robot'], 'follower') if sections.get('robot') else ''
    spec = dashboard_process(config, namespace, config_file if is_session else None)
    console.print(f'dashboard: {config.url} (log: {config_file.parent / "dashboard.log"})')
    deaths = Supervisor([spec], config_file.parent).run()
    if deaths:
        raise GraphError('; '.join(str(death) for death in deaths))
    return 0
