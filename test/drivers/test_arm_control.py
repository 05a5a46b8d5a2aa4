"""An arm in operation, on the emulator: stopped, let go, sent home, and unplugged meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from emulated import EmulatedArm

from lerobot_drivers.arm_control import ArmControl
from lerobot_drivers.arm_modes import ArmState, Mode
from lerobot_drivers.common.clock import SystemClock
from lerobot_drivers.common.config import build
from lerobot_drivers.common.errors import ConfigError, DeviceError, ModeError
from lerobot_drivers.common.health import Health, Level
from lerobot_drivers.joint_device import ArmDriver
from lerobot_drivers.motors.calibration import parse_calibration, save_calibration
from lerobot_drivers.robots import RobotConfig, make_robot
from lerobot_drivers.robots.so_arm import HOME, JOINT_NAMES

TORQUE, GOAL = 40, 42
STEP_S = 0.01


class SteppedClock(SystemClock):
    """Time passes in steps: of the arm's control, of the emulated arm and of its bus alike."""

    def __init__(self) -> None:
        self.ns = 10**18

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns

    def sleep(self, seconds: float) -> None:
        """A reply is there at once."""


class Bench:
    """A follower of which time passes only in steps."""

    def __init__(self, folder: Any, **settings: Any) -> None:
        self.clock = SteppedClock()
        self.arm = EmulatedArm('so101_follower', self.clock)
        calibration = parse_calibration(self.arm.arm.calibration, 'emulated')
        save_calibration(folder / 'mine.json', calibration)
        known = {'id': 'mine', 'calibration_dir': folder, 'port': self.arm.port}
        config = build(RobotConfig, {'type': 'so101_follower', **known, **settings}, 'robot')
        robot = make_robot(config)
        self.states: list[ArmState] = []
        self.driver = ArmDriver(robot, 1 / STEP_S, self.clock, lambda _: None)
        self.control = ArmControl(
            self.driver, config.emergency_stop, self.clock, self.states.append
        )
        try:
            self.control.connect()
        except BaseException:
            self.close()
            raise
        self.control.begin()

    def steps(self, number: int) -> None:
        for _ in range(number):
            self.clock.ns += round(STEP_S * 1e9)
            self.control.step()

    def ask(self, **joints: float) -> bool:
        return self.control.command(np.array([joints.get(name, math.nan) for name in JOINT_NAMES]))

    def unplug(self) -> None:
        self.arm.line.close()
        self.steps(1)
        assert self.driver.lost

    def replug(self) -> None:
        """Plug it in again; the pseudo-terminal has another name then."""
        arm, self.arm = self.arm.arm, EmulatedArm('so101_follower', self.clock)
        self.arm.arm = arm
        self.arm.line._transact = arm.transact
        serial = self.driver.robot.arm  # type: ignore[attr-defined]
        open_before = serial._port_factory
        serial._port_factory = lambda _: open_before(self.arm.port)

    def writes(self, address: int) -> list[int]:
        found = [w for w in self.arm.arm.writes() if w['address'] == address]
        return [write['data'][0] for write in found]

    def truth(self) -> dict[str, float]:
        return self.arm.arm.truth(self.clock.ns)['position']

    def has_goals(self) -> bool:
        """Whether its motors hold."""
        return bool(self.arm.arm.truth(self.clock.ns)['goal'])

    def close(self) -> None:
        self.driver.disconnect()
        if not self.arm.line.closed:
            self.arm.line.close()


@pytest.fixture
def make(tmp_path: Any) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def bench(**settings: Any) -> Bench:
        made.append(Bench(tmp_path, **settings))
        return made[-1]

    yield bench
    for each in made:
        each.close()


def test_stopped_it_holds_where_it_is_and_obeys_nobody_until_resumed(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    bench.ask(shoulder_pan=1.0)
    bench.steps(30)
    assert bench.control.stop() == 'stopped, holds; commands are refused until resume'
    held = bench.truth()['shoulder_pan']
    assert 0.2 < held < 0.6
    assert not bench.ask(shoulder_pan=1.0)
    bench.steps(50)
    assert bench.truth()['shoulder_pan'] == pytest.approx(held, abs=0.05), 'it stays there'
    health = bench.control.health(Health())
    assert (health.level, health.values['mode']) == (Level.WARN, 'stopped')
    assert 'the service resume ends that' in health.message
    with pytest.raises(ModeError, match='the service resume'):
        bench.control.go_home()
    assert bench.control.resume() == 'ready, holds'
    assert bench.ask(shoulder_pan=1.0)
    assert bench.driver.goal[0] == pytest.approx(held, abs=0.05), 'no jump'
    bench.steps(120)
    assert bench.truth()['shoulder_pan'] == pytest.approx(1.0, abs=0.02)
    assert bench.states == [ArmState(Mode.STOPPED), ArmState()]


def test_let_go_it_is_limp_and_holds_again_where_it_was_moved_to(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    assert bench.control.set_torque(False) == 'torque off, limp: support it'
    assert not bench.has_goals()
    assert not bench.ask(shoulder_pan=1.0)
    with pytest.raises(ModeError, match='was not stopped'):
        bench.control.resume()
    bench.arm.move(shoulder_pan=-0.7)
    bench.control.has_news = False
    assert bench.control.set_torque(True) == 'ready, holds'
    assert bench.control.has_news
    assert bench.driver.goal[0] == pytest.approx(-0.7, abs=0.01)
    bench.steps(30)
    assert bench.truth()['shoulder_pan'] == pytest.approx(-0.7, abs=0.01)


@pytest.mark.parametrize('kind', ['hold', 'release'])
def test_an_emergency_stop_holds_or_releases_as_configured(
    make: Callable[..., Bench], kind: str
) -> None:
    bench = make(emergency_stop=kind)
    bench.control.emergency_stop()
    assert bench.has_goals() == (kind == 'hold')
    assert bench.control.health(Health()).level is Level.ERROR
    with pytest.raises(ModeError, match='emergency stop'):
        bench.control.set_torque(True)
    assert bench.control.stop().startswith('emergency stop'), 'it is not downgraded'
    resumed = 'ready, holds' if kind == 'hold' else 'torque off, limp; set_torque lets it hold'
    assert bench.control.resume() == resumed
    assert bench.has_goals() == (kind == 'hold'), 'resume never changes the torque'


def test_home_is_reached_slowly_and_all_joints_arrive_together(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    bench.arm.move(shoulder_pan=0.6, wrist_roll=-0.3)
    bench.control.stop()
    bench.control.resume()
    assert bench.control.go_home() == 'moves to its home pose in 0.4 s'
    assert not bench.ask(shoulder_pan=1.0), 'commands wait until it is there'
    bench.steps(20)
    assert bench.driver.goal[0] == pytest.approx(0.3, abs=0.05)
    assert bench.driver.goal[4] == pytest.approx(-0.15, abs=0.03)
    bench.steps(60)
    assert bench.control.state == ArmState()
    for name, angle in HOME.items():
        assert bench.truth()[name] == pytest.approx(angle, abs=0.03)
    assert [state.mode for state in bench.states[-2:]] == [Mode.HOMING, Mode.READY]


def test_homing_yields_to_a_stop(make: Callable[..., Bench]) -> None:
    bench = make(home={'shoulder_pan': 90})
    bench.control.go_home()
    bench.steps(30)
    bench.control.stop()
    held = bench.truth()['shoulder_pan']
    bench.steps(50)
    assert bench.truth()['shoulder_pan'] == pytest.approx(held, abs=0.05)
    assert held < 0.7


def test_a_home_of_joints_that_are_not_there_is_told(make: Callable[..., Bench]) -> None:
    with pytest.raises(ConfigError, match=r'robot\.home names wheel; the joints are shoulder_pan'):
        make(home={'wheel': 1.0})
    bench = make(home={})
    with pytest.raises(ModeError, match=r'give robot\.home'):
        bench.control.go_home()


@pytest.mark.parametrize('wish', ['set_torque', 'emergency_stop'])
@pytest.mark.parametrize('when', ['before', 'while gone'])
def test_a_limp_arm_is_limp_when_it_is_found_again(
    make: Callable[..., Bench], wish: str, when: str
) -> None:
    bench = make(emergency_stop='release')
    let_go = {
        'set_torque': lambda: bench.control.set_torque(False),
        'emergency_stop': bench.control.emergency_stop,
    }[wish]
    if when == 'before':
        let_go()
        bench.unplug()
    else:
        bench.unplug()
        with pytest.raises(DeviceError, match='limp as soon as the arm can be reached'):
            let_go()
        assert bench.has_goals()
    before = len(bench.writes(TORQUE))
    bench.replug()
    bench.steps(110)
    assert not bench.driver.lost
    assert 1 not in bench.writes(TORQUE)[before:], 'torque was on for a moment'
    assert not bench.has_goals()
    assert not bench.ask(shoulder_pan=1.0)


def test_a_stopped_arm_is_stopped_when_it_is_found_again(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.ask(shoulder_pan=1.0)
    bench.steps(20)
    bench.control.stop()
    bench.unplug()
    bench.replug()
    bench.steps(110)
    assert not bench.driver.lost
    held = bench.truth()['shoulder_pan']
    assert not bench.ask(shoulder_pan=1.0)
    bench.steps(30)
    assert bench.truth()['shoulder_pan'] == pytest.approx(held, abs=0.01)
    assert bench.has_goals()
    bench.control.resume()
    assert bench.ask(shoulder_pan=1.0)


def test_found_again_it_does_not_jump_to_who_went_on_commanding(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    for _ in range(20):
        bench.steps(1)
        bench.ask(shoulder_pan=0.0)  # is met, hence followed from then on
    bench.unplug()
    bench.replug()
    for _ in range(110):
        bench.steps(1)
        bench.ask(shoulder_pan=1.2)
        if not bench.driver.lost:
            break
    bench.ask(shoulder_pan=1.2)
    assert bench.driver.goal[0] < 0.1
    bench.steps(100)
    assert bench.driver.goal[0] == pytest.approx(1.2, abs=1e-3)


def test_what_could_not_be_told_is_told_when_the_arm_answers(make: Callable[..., Bench]) -> None:
    bench = make(emergency_stop='release', num_read_retries=0)
    bench.arm.inject('silence', ids=[2])
    with pytest.raises(DeviceError, match='emergency stop, limp as soon as'):
        bench.control.emergency_stop()
    assert not bench.ask(shoulder_pan=1.0)
    bench.arm.inject('clear')
    bench.steps(1)
    assert not bench.has_goals()


@pytest.mark.parametrize('wish', ['set_torque', 'emergency_stop'])
def test_an_arm_whose_torque_is_not_ours_holds_and_says_so(
    make: Callable[..., Bench], wish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make(emergency_stop='release')

    def refuse() -> None:
        raise ModeError('torque is the business of the host')

    monkeypatch.setattr(bench.driver.robot, 'disable_torque', refuse)
    with pytest.raises(ModeError, match='the business of the host'):
        bench.control.set_torque(False) if wish == 'set_torque' else bench.control.emergency_stop()
    held = ArmState() if wish == 'set_torque' else ArmState(Mode.EMERGENCY)
    assert bench.control.state == held
    assert bench.has_goals()
    bench.steps(3)
    assert bench.driver.errors == 0
    assert bench.ask(shoulder_pan=0.1) == (wish == 'set_torque')


def test_a_calibration_that_cannot_begin_does_not_lock_the_arm_up(
    make: Callable[..., Bench],
) -> None:
    bench = make(num_read_retries=0)
    bench.arm.inject('silence', ids=[2])
    with pytest.raises(DeviceError, match='as soon as the arm can be reached'):
        bench.control.begin_calibration()
    assert bench.control.state == ArmState(Mode.LIMP, torque=False)
    bench.arm.inject('clear')
    bench.steps(1)
    assert not bench.has_goals()
    bench.control.set_torque(True)
    assert bench.has_goals() and bench.ask(shoulder_pan=0.1)


def test_stopped_it_holds_with_all_motors_that_answer(make: Callable[..., Bench]) -> None:
    bench = make(num_read_retries=0)
    bench.ask(gripper=0.5)
    bench.steps(200)
    bench.ask(gripper=1.5)
    bench.steps(3)
    before = bench.truth()['gripper']
    assert 0.5 < before < 1.3, 'it is on its way'
    bench.arm.inject('silence', ids=[1])
    with pytest.raises(DeviceError, match='shoulder_pan'):
        bench.control.stop()
    bench.clock.ns += 10**9
    assert bench.truth()['gripper'] == pytest.approx(before, abs=0.02)


def test_motors_whose_power_failed_for_a_moment_hold_again_where_they_are(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    bench.driver.robot.clock = bench.clock  # type: ignore[attr-defined]
    bench.ask(shoulder_pan=0.5)
    bench.steps(150)
    bench.arm.inject('power_cycle')
    bench.arm.inject('push', joints={'shoulder_pan': 0.2})
    bench.steps(20)
    assert bench.driver.lost and 'as after a power failure' in bench.driver.last_error
    assert not bench.ask(shoulder_pan=0.5), 'a limp arm obeys nobody'
    bench.steps(110)
    assert bench.driver.reconnects == 1 and bench.has_goals()
    assert bench.driver.goal[0] == pytest.approx(0.2, abs=0.01)
    assert bench.truth()['shoulder_pan'] == pytest.approx(0.2, abs=0.01)


def test_an_arm_that_is_to_be_limp_is_not_taken_for_one_without_power(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    bench.driver.robot.clock = bench.clock  # type: ignore[attr-defined]
    bench.control.set_torque(False)
    bench.steps(150)
    assert bench.driver.errors == 0
    bench.control.set_torque(True)
    bench.steps(150)
    assert bench.driver.errors == 0 and bench.has_goals()
