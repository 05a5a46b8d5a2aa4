"""What is told of motors that are not well: by figures, and through driver and emulated arm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from emulated import EmulatedArm

from lerobot_drivers.common.config import build
from lerobot_drivers.common.health import Level
from lerobot_drivers.motors.arm_bus import MotorHealth, MotorLimits
from lerobot_drivers.motors.calibration import parse_calibration, save_calibration
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.arm_alarms import MotorWatch
from lerobot_drivers.robots.serial_follower import SerialFollower

CURE = 'then start it anew'
NOW = '40 degC, 12.0 V'
TAKES = 'it takes 6.0 to 14.0; check the power supply'
WELL = MotorHealth(12.0, 40.0, 0.1, 0.2, 'none')


def watch(**limits: float) -> MotorWatch:
    told = MotorLimits(**{'temperature': 70.0, 'lowest': 6.0, 'highest': 14.0, **limits})
    return MotorWatch(['lift', 'grip'], [told, MotorLimits()], CURE)


def motor(**values: Any) -> MotorHealth:
    return MotorHealth(**{**vars(WELL), **values})


@pytest.mark.parametrize(
    ('found', 'level', 'text'),
    [
        (motor(errors='overload'), 2, f'lift: overload ({NOW}); take the load off it, {CURE}'),
        (motor(errors='odd 0x80'), 2, f'lift: odd 0x80 ({NOW}); look into it, {CURE}'),
        (motor(temperature=60.0), 1, 'lift is hot: 60 degC, it stops at 70; let it rest'),
        (motor(voltage=5.5), 2, f'supply of lift: 5.5 V, {TAKES}'),
        (motor(voltage=14.2), 2, f'supply of lift: 14.2 V, {TAKES}'),
    ],
)
def test_what_is_wrong_is_told_with_its_cause_and_what_to_do(
    found: MotorHealth, level: int, text: str
) -> None:
    watched = watch()
    assert watched.alarms([WELL, WELL]) == []
    (alarm,) = watched.alarms([found, WELL])
    assert (alarm.level, alarm.text) == (level, text)


def test_a_supply_that_gives_in_under_load_is_told_once_for_all() -> None:
    watched = watch()
    watched.alarms([WELL, WELL])
    assert watched.alarms([motor(voltage=10.3), WELL]) == []
    (alarm,) = watched.alarms([motor(voltage=10.0), motor(voltage=9.5)])
    assert alarm.level is Level.WARN
    assert alarm.text.startswith('supply of grip sags to 9.5 V from 12.0; a stronger supply')


def test_who_tells_no_limit_has_none() -> None:
    assert watch().alarms([WELL, motor(temperature=99.0)]) == []


class Stage:
    """A follower on an emulated arm."""

    def __init__(self, model: str, folder: Any) -> None:
        self.emulated = EmulatedArm(model)
        known = parse_calibration(self.emulated.arm.calibration, 'emulated')
        save_calibration(folder / 'mine.json', known)
        settings = {'id': 'mine', 'calibration_dir': folder, 'port': self.emulated.port}
        robot = make_robot(build(RobotConfig, {'type': model, **settings}, 'robot'))
        assert isinstance(robot, SerialFollower)
        self.robot = robot
        self.robot.connect()

    def alarms(self) -> list[str]:
        self.robot.read_state()
        return [alarm.text for alarm in self.robot.alarms()]

    def close(self) -> None:
        self.robot.hang_up()
        self.emulated.line.close()


@pytest.fixture(params=['so101_follower', 'koch_follower'])
def stage(request: Any, tmp_path: Any) -> Iterator[Stage]:
    made = Stage(request.param, tmp_path)
    yield made
    made.close()


def test_an_overloaded_motor_lets_go_and_the_cause_is_told(stage: Stage) -> None:
    assert stage.alarms() == []
    stage.emulated.inject('alert', joints=['elbow_flex'], causes=['overload'])
    (text,) = stage.alarms()
    assert text.startswith('elbow_flex: overload (27 degC, ')
    assert stage.robot.arm.bus.cure in text  # type: ignore[union-attr]
    assert stage.robot.health()['elbow_flex.errors'] == 'overload'
    goals = stage.emulated.arm.truth(stage.emulated.clock.now_ns())['goal']
    assert 'elbow_flex' not in goals and 'wrist_roll' in goals
    stage.emulated.inject('alert', joints=['gripper'], causes=['overheat', 'overload'])
    assert stage.robot.alarms() is not None
    assert any(text.startswith('gripper: overheat, overload (') for text in stage.alarms())


def test_heat_is_told_before_the_motor_stops(stage: Stage) -> None:
    limit = 70 if stage.robot.config.type == 'so101_follower' else 80
    stage.emulated.inject('heat', joints={'shoulder_lift': limit - 5})
    assert stage.alarms()[0].startswith(f'shoulder_lift is hot: {limit - 5} degC')
    stage.emulated.inject('heat', joints={'shoulder_lift': limit + 2})
    assert any(text.startswith('shoulder_lift: overheat') for text in stage.alarms())


def test_a_weak_supply_is_told(stage: Stage) -> None:
    stage.alarms()
    stage.emulated.inject('supply', volts=9.0)
    assert ' V from 1' in stage.alarms()[0]
    stage.emulated.inject('supply', volts=3.5)
    assert ': voltage (27 degC, 3.5 V); check its supply' in stage.alarms()[0]


def test_a_power_cycle_ends_an_alert(stage: Stage) -> None:
    stage.emulated.inject('alert', joints=['elbow_flex'], causes=['overload'])
    assert stage.alarms()
    stage.emulated.inject('power_cycle')
    assert stage.alarms() == []
