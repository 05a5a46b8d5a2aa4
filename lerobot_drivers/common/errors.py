"""The exceptions of the whole suite.

::

    LerobotRosError
    ├── ConfigError          a flag, file or key that cannot be obeyed
    ├── UsageError           the command line itself is wrong
    ├── DeviceError          a robot, teleoperator or camera
    │   ├── BusError             one transaction on a motors bus failed
    │   │   ├── BusTimeoutError      no or too short a reply
    │   │   ├── BusCorruptError      a reply that is not what was asked for
    │   │   └── BusRefusedError      a motor says that it cannot do what was asked
    │   ├── CalibrationError     calibration missing or not matching the motors
    │   └── NotConnectedError    one or more devices failed to connect, all named
    ├── ModeError            asked of a robot that is stopped, limp or busy with something else
    ├── StreamError          topics, stamps and their synchronisation
    ├── DatasetError         a dataset on disk
    │   ├── DatasetExistsError   a new one was asked for where something lies already
    │   └── DatasetFormatError   it is not a valid v3.0 dataset
    ├── BagError             a bag that cannot be read or does not hold what is needed
    ├── ProcessorError       a processor step that fails at its work
    ├── PolicyError          a policy that gives nothing a robot may be asked for
    ├── HubError             the Hugging Face Hub: access, or what lies there already
    │   └── HubBusyError         it cannot be reached, or asks to come back later
    └── GraphError           the ROS graph: no rclpy, missing topics, dead processes

Every message says what was found where, what was expected and what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping


class LerobotRosError(Exception):
    """Base of all errors a user can cause or mend; commands print it as one line."""


class ConfigError(LerobotRosError):
    """A configuration value that cannot be obeyed."""


class UsageError(LerobotRosError):
    """A command line that cannot be obeyed."""


class DeviceError(LerobotRosError):
    """A robot, teleoperator or camera failed."""


class BusError(DeviceError):
    """A transaction on a motors bus failed."""


class BusTimeoutError(BusError):
    """No reply, or too short a one, came within the time limit."""


class BusCorruptError(BusError):
    """A reply came with a wrong checksum, id or length."""


class BusRefusedError(BusError):
    """A motor says that it cannot do what was asked."""


class CalibrationError(DeviceError):
    """A calibration is missing or does not match the motors."""


class NotConnectedError(DeviceError):
    """One or more devices failed to connect; all failures are reported together.

    Attributes:
        failures: device name -> what went wrong with it.
    """

    def __init__(self, failures: Mapping[str, BaseException | str]) -> None:
        self.failures = dict(failures)
        lines = [f'{name}: {error}' for name, error in self.failures.items()]
        super().__init__(
            lines[0] if len(lines) == 1 else 'could not connect:\n  ' + '\n  '.join(lines)
        )


class ModeError(LerobotRosError):
    """What is asked of a robot cannot be done in the mode it is in."""


class StreamError(LerobotRosError):
    """Streams cannot be synchronised as asked."""


class DatasetError(LerobotRosError):
    """A dataset on disk cannot be read or written."""


class DatasetExistsError(DatasetError):
    """The folder for a new dataset exists already."""


class DatasetFormatError(DatasetError):
    """The folder is not a valid LeRobot v3.0 dataset."""


class BagError(LerobotRosError):
    """A bag cannot be read or does not hold what is needed."""


class ProcessorError(LerobotRosError):
    """A processor step fails at its work, or does not give what it said."""


class PolicyError(LerobotRosError):
    """A policy gives nothing that a robot may be asked for."""


class HubError(LerobotRosError):
    """The Hub cannot be used as asked."""


class HubBusyError(HubError):
    """The Hub cannot be reached or served just now; trying again helps.

    Attributes:
        wait_s: time after which the Hub wants to be asked again, 0 if it did not say [s].
    """

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        super().__init__(message)


class GraphError(LerobotRosError):
    """The ROS graph is not as needed."""
