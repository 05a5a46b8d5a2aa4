"""``lerobot-ros doctor``: is this machine fit, and if not, what is to be done?"""

from __future__ import annotations

import os
from collections.abc import Sequence

from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.command_line import make_console, read_sections
from lerobot_drivers.common.health import Level
from lerobot_recorder.commands.findings_table import findings_table
from lerobot_recorder.config import dataset_folder
from lerobot_recorder.doctor.devices import check_cameras, check_ports
from lerobot_recorder.doctor.machine import check_clock, check_disk, check_encoder, check_hub
from lerobot_recorder.doctor.qos import check_graph
from lerobot_recorder.doctor.ros_environment import check_ros
from lerobot_recorder.findings import Finding

HELP = """usage: lerobot-ros doctor [--help]

Looks at serial ports and cameras and whether this user may open them, at the disk, the clock, the
video encoder, the log-in to the Hugging Face Hub and the ROS environment, and in the running graph
of this ROS_DOMAIN_ID for subscribers that hear nothing because their quality of service does not
fit. Opens no device. Exit code 1 if something stands against recording; each row says what to
do."""


def run(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1 if something stands against recording.

    Args:
        arguments: the command line after ``doctor``.

    Raises:
        UsageError: there are flags.
    """
    read_sections(arguments, ())
    console = make_console(wraps=True)
    with console.status('looking ...'):
        found = examine()
    console.print(findings_table(found, 'doctor'))
    errors = sum(finding.level >= Level.ERROR for finding in found)
    warnings = sum(finding.level == Level.WARN for finding in found)
    console.print(f'{errors} of {len(found)} checks failed, {warnings} with a warning')
    return 1 if errors else 0


def examine() -> list[Finding]:
    """Return all that is to be known of this machine, and of the graph that runs here."""
    environment = check_ros(os.environ)
    return [
        *check_ports(),
        *check_cameras(),
        *check_disk(dataset_folder('any/name').parent.parent),
        check_clock(SystemClock()),
        check_encoder(),
        check_hub(os.environ),
        *environment,
        *(check_graph() if environment[0].level is Level.OK else ()),
    ]
