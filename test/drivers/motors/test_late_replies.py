"""Replies that come after their request was given up: none is ever taken for another's."""

import pytest
from fake_late_line import FAST, READ, SYNC_READ, SYNC_WRITE, WRITE, Fate, LateLine, Protocol2
from hypothesis import given, settings
from hypothesis import strategies as st

from lerobot_drivers.common.clock import ManualClock
from lerobot_drivers.common.errors import (
    BusError,
    BusRefusedError,
    BusTimeoutError,
    NotConnectedError,
)
from lerobot_drivers.motors.debts import FENCE_LENGTHS
from lerobot_drivers.motors.dynamixel import DynamixelMotorsBus
from lerobot_drivers.motors.feetech import FeetechMotorsBus
from lerobot_drivers.motors.models import MODELS
from lerobot_drivers.motors.motors_bus import BusSettings, Motor

NAMES = ('pan', 'lift', 'elbow')
TIMEOUT_S = 0.1
LATE = Fate(back=1.5 * TIMEOUT_S)
SLOW = Fate(back=0.6 * TIMEOUT_S)
LOST = Fate(lost=True)
PROMPT = Fate()
DYNAMIXEL = 'xl330-m288'
FAST_DYNAMIXEL = 'xl330-m077'
MODEL_NAMES = ('sts3215', 'scs0009', DYNAMIXEL, FAST_DYNAMIXEL)
BYTES_OF_DYNAMIXELS = {'Lock': 'LED'}
"""Registers of one byte where Feetech's have no namesake."""


def make_bus(*fates, model='sts3215', num_retry=2, **line):
    known = MODELS[model]
    clock = ManualClock()
    if model in (DYNAMIXEL, FAST_DYNAMIXEL):
        line['codec'] = Protocol2()
    port = LateLine(clock, [*fates, PROMPT], model=known.number, order=known.byte_order, **line)
    port.open()
    return bus_on(port, model, num_retry)


def bus_on(port, model='sts3215', num_retry=2):
    motors = {name: Motor(number, model) for number, name in enumerate(NAMES, start=1)}
    settings = BusSettings(TIMEOUT_S, num_retry)
    if model not in (DYNAMIXEL, FAST_DYNAMIXEL):
        return FeetechMotorsBus(port, motors, port.clock, settings)
    bus = DynamixelMotorsBus(port, motors, port.clock, settings)
    bus.is_fast = model == FAST_DYNAMIXEL
    return bus


def register_of(bus, name):
    """Return the name of a register of this kind of motor."""
    return name if name in bus.models['pan'].registers else BYTES_OF_DYNAMIXELS[name]


def check_answer(bus, name, address, size, value, before):
    """Assert that a value answers a request that asked for it, and was sent for it."""
    if size == 1:
        value += (before + 1 - value + 255) // 256 * 256
    else:
        value &= 0xFFFF
    assert before < value <= len(bus.port.requests), 'it answers another request'
    request = bus.port.parse(value)
    ids = request.rest if request.instruction in (SYNC_READ, FAST) else [request.id]
    assert request.instruction in (READ, SYNC_READ, FAST)
    found = (bus.motors[name].id in ids, request.address, request.length)
    assert found == (True, address, size)


def check_register(bus, register, name, value, before):
    where = bus.models[name].register(register)
    check_answer(bus, name, where.address, where.size, value, before)


def read(bus, register='Present_Position', name='pan'):
    register, before = register_of(bus, register), len(bus.port.requests)
    check_register(bus, register, name, bus.read(register, name), before)


def sync_read(bus, register='Present_Position', names=NAMES):
    register, before = register_of(bus, register), len(bus.port.requests)
    for name, value in bus.sync_read(register, names).items():
        check_register(bus, register, name, value, before)


def read_state(bus):
    before = len(bus.port.requests)
    positions = bus.read_state().registers['Present_Position'].tolist()
    for name, value in zip(NAMES, positions, strict=True):
        check_answer(bus, name, *bus.models[name].state_block, value, before)


def write(bus, register='Torque_Enable', name='pan'):
    before = len(bus.port.requests)
    refused = False
    try:
        bus.write(register_of(bus, register), name, 1)
    except BusRefusedError:
        refused = True
    mine = [
        number
        for number in range(before + 1, len(bus.port.requests) + 1)
        if bus.port.parse(number)[:2] == (bus.motors[name].id, WRITE)
    ]
    if refused:
        # Of the last try: whatever was sent before it was given up.
        assert mine[-1] not in bus.port.executed
        return
    now_s = bus.clock.monotonic_ns() / 1e9
    assert any(bus.port.executed.get(number, now_s + 1) <= now_s for number in mine)


def sync_write(bus):
    bus.sync_write('Goal_Position', dict.fromkeys(NAMES, 1000))


def ping(bus, name='pan'):
    number = bus.models[name].number if bus.motors[name].id in bus.port.ids else None
    assert bus.ping(name) in (None, number)


@pytest.mark.parametrize('model', ['sts3215', DYNAMIXEL])
def test_a_late_reply_answers_neither_its_repetition_nor_the_next_register(model):
    """What failed once: range_max was told as range_min, the homing offset as range_max."""
    bus = make_bus(LATE, SLOW, SLOW, model=model)
    read(bus, 'Homing_Offset')
    read(bus, 'Min_Position_Limit')
    read(bus, 'Max_Position_Limit')
    assert bus.statistics.resynchronized == 1
    assert bus.statistics.failures == 0


def test_a_late_reply_to_a_request_that_was_given_up_answers_no_other():
    bus = make_bus(Fate(back=5 * TIMEOUT_S), PROMPT, PROMPT, PROMPT)
    with pytest.raises(BusTimeoutError, match='3 tries'):
        read(bus, 'Homing_Offset')
    for register in ('Min_Position_Limit', 'Max_Position_Limit', 'Present_Position'):
        read(bus, register)


@pytest.mark.parametrize('model', ['sts3215', DYNAMIXEL])
def test_a_late_acknowledgement_acknowledges_no_other_write(model):
    bus = make_bus(LATE, SLOW, LOST, num_retry=0, model=model)
    for register in ('Torque_Enable', 'Lock'):
        with pytest.raises(BusTimeoutError):
            write(bus, register)
    write(bus, 'Lock')


@pytest.mark.parametrize(
    'late', [Fate(back=LATE.back, refused=1), Fate(back=LATE.back, alert=True)]
)
def test_a_late_refusal_or_alert_answers_nothing_else(late):
    bus = make_bus(late, SLOW, num_retry=0, model=DYNAMIXEL)
    with pytest.raises(BusTimeoutError):
        write(bus, 'Return_Delay_Time')
    read(bus, 'Homing_Offset')
    write(bus)


def test_a_late_refusal_is_no_fences_answer():
    bus = make_bus(Fate(back=LATE.back, refused=1), LOST, PROMPT, num_retry=0, model=DYNAMIXEL)
    with pytest.raises(BusTimeoutError):
        write(bus, 'Return_Delay_Time')
    with pytest.raises(BusTimeoutError):
        read(bus)
    read(bus)
    first, second = FENCE_LENGTHS
    lengths = [bus.port.parse(number).length for number in range(2, 6)]
    assert lengths == [first, first, second, 4]


def test_an_interrupted_request_is_answered_to_nobody(monkeypatch):
    bus = make_bus(SLOW, SLOW)
    with monkeypatch.context() as patched:
        patched.setattr(bus.port, 'read', lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            bus.read('Homing_Offset', 'pan')
    bus.clock.advance(0.05)
    read(bus, 'Min_Position_Limit')


def test_a_fence_that_was_sent_twice_is_followed_by_another():
    bus = make_bus(LOST, LOST, PROMPT)
    read(bus)
    lengths = [bus.port.parse(number).length for number in range(1, 6)]
    first, second = FENCE_LENGTHS
    assert lengths == [2, first, first, second, 2]
    assert bus.statistics.resynchronized == 1


@pytest.mark.parametrize('model', ['sts3215', DYNAMIXEL])
def test_a_missing_motor_costs_the_others_nothing(model):
    bus = make_bus(ids=(1, 3), model=model)
    with pytest.raises(BusTimeoutError, match=r'from lift \(id 2\)'):
        read_state(bus)
    start_ns = bus.clock.monotonic_ns()
    for name in ('pan', 'elbow'):
        read(bus, name=name)
        write(bus, name=name)
    assert bus.clock.monotonic_ns() - start_ns < 0.1 * TIMEOUT_S * 1e9


@pytest.mark.parametrize('model', MODEL_NAMES)
@pytest.mark.parametrize('num_retry', [0, 2])
def test_silence_takes_one_timeout_per_try(model, num_retry):
    bus = make_bus(model=model, num_retry=num_retry, ids=())
    for ask in (read, write, read_state, read):
        start_ns = bus.clock.monotonic_ns()
        with pytest.raises(BusTimeoutError):
            ask(bus)
        passed_s = (bus.clock.monotonic_ns() - start_ns) / 1e9
        assert passed_s == pytest.approx((num_retry + 1) * TIMEOUT_S, rel=1e-3)


def test_what_a_former_driver_asked_is_answered_to_nobody_else():
    former = make_bus(LATE, num_retry=0)
    with pytest.raises(BusTimeoutError):
        read(former, 'Homing_Offset')
    former.disconnect()
    bus = bus_on(former.port)
    bus.connect()
    read(bus, 'Min_Position_Limit')
    assert bus.statistics.resynchronized == 0


@pytest.mark.parametrize('model', ['sts3215', DYNAMIXEL])
def test_an_echo_alone_is_no_reply(model):
    """A read's echo is a valid status of two bytes; a ping's is a valid bare one."""
    bus = make_bus(ids=(1, 3), echo=True, model=model)
    with pytest.raises(BusTimeoutError):
        bus.read('Present_Position', 'lift')
    assert bus.ping('lift') is None
    with pytest.raises(NotConnectedError, match='lift'):
        bus.connect()


def test_fences_are_like_no_other_reply_or_echo():
    reads, writes = 2, 1
    for model in MODELS.values():
        sizes = {register.size for register in model.registers.values()}
        used = {0, reads, model.state_block[1], *sizes, *(size + writes for size in sizes)}
        assert not used & set(FENCE_LENGTHS)
        for length in FENCE_LENGTHS:
            assert int.from_bytes(bytes([0, length]), 'little') >= model.resolution


seconds = st.sampled_from([0.0, 0.001, 0.3, 0.6, 0.99, 1.01, 1.5, 2.6, 20.0]).map(
    lambda timeouts: timeouts * TIMEOUT_S
)
fates = st.one_of(
    st.just(PROMPT),
    st.builds(Fate, back=seconds),
    st.builds(
        Fate,
        outward=seconds,
        back=seconds,
        lost=st.booleans(),
        deaf=st.integers(0, 3),
        garbled=st.integers(0, 3),
        refused=st.integers(0, 3),
        alert=st.booleans(),
    ),
)
registers = st.sampled_from(
    ['Present_Position', 'Min_Position_Limit', 'Return_Delay_Time', 'Lock']
)
names = st.sampled_from(NAMES)
calls = st.one_of(
    st.tuples(st.just(read), registers, names),
    st.tuples(st.just(write), st.sampled_from(['Torque_Enable', 'Goal_Position']), names),
    st.tuples(st.just(sync_read), registers, st.lists(names, min_size=1, unique=True)),
    st.tuples(st.just(ping), names),
    st.tuples(st.just(read_state)),
    st.tuples(st.just(sync_write)),
)


@settings(max_examples=500, deadline=None)
@given(
    given_fates=st.lists(fates, max_size=30),
    script=st.lists(calls, min_size=1, max_size=15),
    model=st.sampled_from(MODEL_NAMES),
    ids=st.sampled_from([(1, 2, 3), (1, 3), (3,)]),
    echo=st.booleans(),
    num_retry=st.integers(0, 2),
)
def test_whatever_is_late_or_lost_each_answer_is_that_of_its_own_request(
    given_fates, script, model, ids, echo, num_retry
):
    bus = make_bus(*given_fates, model=model, ids=ids, echo=echo, num_retry=num_retry)
    for ask, *arguments in script:
        try:
            ask(bus, *arguments)
        except BusRefusedError:
            raise AssertionError('a refusal of what was not refused') from None
        except BusError:
            continue


@settings(deadline=None)
@given(given_fates=st.lists(fates, max_size=8), model=st.sampled_from(MODEL_NAMES))
def test_once_the_line_is_prompt_again_so_is_the_bus(given_fates, model):
    bus = make_bus(*given_fates, model=model, num_retry=0)
    while len(bus.port.fates) > 1:
        try:
            read_state(bus)
        except BusError:
            continue
    bus.clock.advance(100 * TIMEOUT_S)
    for _ in range(2):
        read_state(bus)


@pytest.mark.parametrize('model', ['sts3215', DYNAMIXEL])
def test_motors_that_hear_and_are_not_heard_go_limp_all_the_same(model):
    bus = make_bus(*[LOST] * 60, model=model)
    with pytest.raises(BusTimeoutError):
        bus.read_state()
    before = len(bus.port.requests)
    with pytest.raises(BusTimeoutError):
        bus.release()
    torque = bus.models['pan'].register('Torque_Enable')
    off = bytes(value for number in (1, 2, 3) for value in (number, 0))
    asked = [bus.port.parse(number) for number in range(before + 1, len(bus.port.requests) + 1)]
    sent = [request for request in asked if request.instruction == SYNC_WRITE]
    assert [(r.address, r.length, r.rest) for r in sent] == [(torque.address, 1, off)] * 3
