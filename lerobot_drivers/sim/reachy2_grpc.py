"""The simulated Reachy 2's gRPC servers: every method of the API answers, some do something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from reachy2_sdk_api.mobile_base_utility_pb2 import OdometryVector, ZuuuModePossiblities

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_drivers.sim.reachy2_body import ARM_ACTUATORS, ReachyBody
from lerobot_drivers.sim.reachy2_eyes import ReachyEyes
from lerobot_drivers.sim.reachy2_messages import (
    PART_IDS,
    StateWriter,
    complete,
    component_name,
    description,
    services,
)

SDK_PORT = 50051
VIDEO_PORT = 50065
_THREADS = 24
_STOP_S = 0.2

ODOMETRY = ('x', 'y', 'theta', 'vx', 'vy', 'vtheta')

Action = Callable[[Any], Any]


class ReachyGrpc:
    """Serves a body's SDK and its eyes on one loopback address.

    Attributes:
        without: parts that the robot has not.
    """

    def __init__(self, body: ReachyBody) -> None:
        self.without: tuple[str, ...] = ()
        self._body = body
        self._eyes = ReachyEyes(body)
        self._server: grpc.Server | None = None
        self._parts = {number: name for name, number in PART_IDS.items()}

    def start(self, host: str) -> None:
        """Listen.

        Raises:
            RuntimeError: somebody does already.
        """
        # Without so_reuseport a second server would share our port.
        options = (('grpc.so_reuseport', 0),)
        server = grpc.server(ThreadPoolExecutor(_THREADS, 'grpc'), options=options)
        for service in services():
            handlers = {
                method.name: self._handler(service.full_name, method) for method in service.methods
            }
            server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service.full_name, handlers),)
            )
        for port in (SDK_PORT, VIDEO_PORT):
            server.add_insecure_port(f'{host}:{port}')
        server.start()
        self._server = server

    def stop(self) -> None:
        """Hang up, as if the cable were pulled."""
        if self._server is not None:
            self._server.stop(_STOP_S).wait()
            self._server = None

    def _handler(self, service: str, method: MethodDescriptor) -> grpc.RpcMethodHandler:
        """Return what answers a method: a reply of ours, or one in which everything is there."""
        kind = GetMessageClass(method.output_type)
        forms = {
            'request_deserializer': GetMessageClass(method.input_type).FromString,
            'response_serializer': kind.SerializeToString,
        }
        place = f'{service.rpartition(".")[2]}.{method.name}'
        if place == 'ReachyService.StreamReachyState':
            return grpc.unary_stream_rpc_method_handler(self._stream, **forms)
        action: Action = self._actions().get(place, lambda _: None)

        def answer(request: Any, _context: object) -> Any:
            reply = action(request)
            return complete(method.output_type) if reply is None else reply

        return grpc.unary_unary_rpc_method_handler(answer, **forms)

    def _actions(self) -> dict[str, Action]:
        """Return what is done at a call, and replied if that is not just anything."""
        actions: dict[str, Action] = {
            'ReachyService.GetReachy': lambda _: description(self.without),
            'ReachyService.GetReachyState': lambda _: StateWriter(self._body).write(),
            'ReachyService.SendComponentsCommands': self._set_goals,
            'MobileBaseMobilityService.SendDirection': self._set_speed,
            'MobileBaseUtilityService.SetZuuuMode': self._set_mode,
            'MobileBaseUtilityService.GetOdometry': self._odometry,
            'MobileBaseUtilityService.TurnOn': lambda _: self._body.set_mode('CMD_GOTO'),
            'MobileBaseUtilityService.TurnOff': lambda _: self._body.set_mode('FREE_WHEEL'),
            'VideoService.GetAvailableCameras': lambda _: self._eyes.cameras(),
            'VideoService.GetFrame': self._eyes.frame,
        }
        for kind in ('Arm', 'Hand', 'Head'):
            actions[f'{kind}Service.TurnOn'] = lambda r: self._set_torque(r, True)
            actions[f'{kind}Service.TurnOff'] = lambda r: self._set_torque(r, False)
        for kind in ('Arm', 'Head'):
            actions[f'{kind}Service.SetSpeedLimit'] = lambda r: self._limit(r, 'speed_limit')
            actions[f'{kind}Service.SetTorqueLimit'] = lambda r: self._limit(r, 'torque_limit')
        return actions

    def _stream(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Push the state at the rate asked for, until the client hangs up."""
        writer, clock = StateWriter(self._body), self._body.clock
        period_ns = round(NS_PER_S / max(request.publish_frequency, 1.0))
        next_ns = clock.monotonic_ns()
        while context.is_active():
            yield writer.write()
            next_ns += period_ns
            clock.sleep(max(next_ns - clock.monotonic_ns(), 0) / NS_PER_S)

    def _set_torque(self, request: Any, on: bool) -> None:
        self._body.set_torque(self._parts[request.id], on)

    def _limit(self, request: Any, what: str) -> None:
        self._body.set_limit(self._parts[request.id.id], what, request.limit / 100.0)

    def _set_goals(self, request: Any) -> None:
        goals: dict[str, dict[str, dict[str, float]]] = {}
        for field, part in request.ListFields():
            name = field.name.removesuffix('_commands')
            if name.endswith('_hand'):
                angle = part.position.parallel_gripper.position.value
                goals[name] = {'hand': {'finger': angle}}
                continue
            for _, commands in part.ListFields():
                for command in commands.cmd:
                    owner, actuator = component_name(command.id.id)
                    goals.setdefault(owner, {})[actuator] = self._angles(actuator, command)
        self._body.set_goals(goals)

    def _angles(self, actuator: str, command: Any) -> dict[str, float]:
        """Return the angles of a command by axis; those not told are not in it."""
        goal = command.goal_position
        if actuator.startswith('antenna'):
            return {'antenna': goal.value}
        if actuator in ('wrist', 'neck'):
            return {field.name: angle.value for field, angle in goal.rpy.ListFields()}
        axes = dict(zip(('axis_1', 'axis_2'), ARM_ACTUATORS[actuator], strict=True))
        return {axes[field.name]: angle.value for field, angle in goal.ListFields()}

    def _set_speed(self, request: Any) -> None:
        wanted = request.direction
        self._body.set_speed((wanted.x.value, wanted.y.value, wanted.theta.value))

    def _set_mode(self, request: Any) -> None:
        self._body.set_mode(ZuuuModePossiblities.Name(request.mode))

    def _odometry(self, _request: Any) -> Any:
        truth = self._body.truth()['base']
        values = dict(zip(ODOMETRY, [*truth['pose'], *truth['speed']], strict=True))
        odometry: Any = complete(OdometryVector.DESCRIPTOR)
        for name, value in values.items():
            getattr(odometry, name).value = value
        return odometry
