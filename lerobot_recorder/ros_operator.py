"""How an operator is heard on the graph: services, texts on topics, a joystick's buttons.

Services are taken by hand, not by the executor: the answer to ``save`` or ``success`` is due
when the episode is on the disk, and nothing else may wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Joy
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from lerobot_drivers.common.naming import RECORDER
from lerobot_drivers.ros import qos_status
from lerobot_recorder.operator_config import JoyButtons, JoyConfig
from lerobot_recorder.ros import NoTurns
from lerobot_recorder.verbs import VERBS, Answer

Obey = Callable[[str], Answer]
Say = Callable[[str], Answer]
_LATCHED = 'task'


class OperatorInterface:
    """The operator's words on the graph.

    Args:
        node: whose services they are.
        obey: does what a verb says.
        texts: topic below ``recorder/`` -> what to do with a text that comes there.
        on_answer: told what became of a text or a button.
        joy: buttons, if there are any.
    """

    def __init__(
        self,
        node: Node,
        obey: Obey,
        texts: Mapping[str, Say],
        on_answer: Callable[[Answer], None],
        joy: JoyConfig | None = None,
    ) -> None:
        self._node, self._obey, self._on_answer = node, obey, on_answer
        self._say_task, self._hears_latched = texts[_LATCHED], False
        self._services = {
            verb: node.create_service(Trigger, f'~/{verb}', _never, callback_group=NoTurns())
            for verb in VERBS
        }
        self._set_paused = node.create_service(
            SetBool, '~/set_paused', _never, callback_group=NoTurns()
        )
        self._waiting: list[tuple[Any, Any, Answer]] = []
        for topic, say in texts.items():
            self._listen(topic, say, QoSProfile(depth=10))
        if joy is not None:
            buttons = JoyButtons(joy.buttons)
            node.create_subscription(Joy, joy.topic, lambda m: self._on_joy(buttons, m), 10)

    def poll(self) -> None:
        """Take what was asked, and answer what has become of it."""
        for verb, service in self._services.items():
            for _request, header in _requests(service):
                self._waiting.append((service, header, self._obey(verb)))
        for request, header in _requests(self._set_paused):
            answer = self._obey('pause' if request.data else 'resume')
            self._waiting.append((self._set_paused, header, answer))
        given = [entry for entry in self._waiting if entry[2].is_given]
        self._waiting = [entry for entry in self._waiting if not entry[2].is_given]
        for service, header, answer in given:
            kind = service.srv_type.Response
            service.send_response(kind(success=answer.success, message=answer.text), header)

    def refresh(self) -> None:
        """Hear a task that was said before we came, if its publisher still offers it.

        Asked for in vain, that would be a warning at each publisher. Notes and marks are not
        asked for: a latched one would be noted again at every start.
        """
        name = self._node.resolve_topic_name(f'{RECORDER}/{_LATCHED}')
        publishers = self._node.get_publishers_info_by_topic(name)
        latched = DurabilityPolicy.TRANSIENT_LOCAL
        if self._hears_latched or latched not in (p.qos_profile.durability for p in publishers):
            return
        self._hears_latched = True
        self._listen(_LATCHED, self._say_task, qos_status())

    def _listen(self, topic: str, say: Say, qos: QoSProfile) -> None:
        self._node.create_subscription(
            String, f'{RECORDER}/{topic}', lambda m: self._on_answer(say(m.data)), qos
        )

    def _on_joy(self, buttons: JoyButtons, message: Joy) -> None:
        for verb in buttons.words(list(message.buttons)):
            self._on_answer(self._obey(verb))


def _requests(service: Any) -> list[tuple[Any, Any]]:
    """Take the requests that wait."""
    taken = []
    with service.handle:
        while (found := service.handle.service_take_request(service.srv_type.Request))[0]:
            taken.append(found)
    return taken


def _never(_request: Any, response: Any) -> Any:
    return response
