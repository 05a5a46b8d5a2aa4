"""What a process sets up before it joins the graph."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from lerobot_drivers.common import processes
from lerobot_drivers.common.errors import GraphError


@pytest.mark.parametrize(
    ('major', 'name'),
    [
        (3, 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        (7, 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        (9, 'FASTDDS_DEFAULT_PROFILES_FILE'),
    ],
)
def test_the_profile_is_set_under_the_name_that_fast_dds_reads(
    monkeypatch: pytest.MonkeyPatch, major: int, name: str
) -> None:
    monkeypatch.setattr(processes, 'rclpy_major', lambda: major)
    environment: dict[str, str] = {}
    assert processes.set_profile(processes.SHARED_MEMORY_PROFILE, environment) == name
    assert environment == {name: str(processes.SHARED_MEMORY_PROFILE)}


@pytest.mark.parametrize('name', processes.PROFILE_VARIABLES)
def test_the_users_own_profile_wins(name: str) -> None:
    environment = {name: '/home/user/mine.xml'}
    assert processes.set_profile(processes.SHARED_MEMORY_PROFILE, environment) is None
    assert environment == {name: '/home/user/mine.xml'}


def test_the_profile_holds_several_pictures_in_shared_memory() -> None:
    root = ET.parse(processes.SHARED_MEMORY_PROFILE).getroot()
    space = {'d': 'http://www.eprosima.com'}
    shared = root.find('.//d:transport_descriptor[d:type="SHM"]', space)
    assert shared is not None
    picture = 1280 * 720 * 3
    assert int(shared.findtext('d:maxMessageSize', '', space)) > picture
    assert int(shared.findtext('d:segment_size', '', space)) > 4 * picture


def test_a_missing_rclpy_is_told_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(GraphError, match=r"pip install 'lerobot_ros\[ros\]'.*or source"):
        processes.require_rclpy()


def test_malloc_is_tuned_where_it_can_be() -> None:
    assert processes.tune_malloc() is (processes.platform.libc_ver()[0] == 'glibc')


def test_the_receivers_profile_needs_large_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    for large in (False, True):
        monkeypatch.setattr(processes, 'has_large_sockets', lambda large=large: large)
        environment: dict[str, str] = {}
        processes.set_profile(processes.RECEIVER_PROFILE, environment)
        assert list(environment.values()) == [str(processes.RECEIVER_PROFILE)] * large


def test_the_users_own_transports_win() -> None:
    environment = {'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA'}
    assert processes.set_profile(processes.SHARED_MEMORY_PROFILE, environment) is None


def test_the_receivers_profile_offers_udp_alone() -> None:
    space = {'d': 'http://www.eprosima.com'}
    root = ET.parse(processes.RECEIVER_PROFILE).getroot()
    kinds = [kind.text for kind in root.findall('.//d:transport_descriptor/d:type', space)]
    assert kinds == ['UDPv4']
    assert root.find('.//d:defaultUnicastLocatorList/d:locator/d:udpv4', space) is not None
    size = int(root.findtext('.//d:receiveBufferSize', '', space))
    assert size >= processes.SOCKET_BUFFER


def test_opencv_stays_in_its_callers_thread_unless_the_user_chose_otherwise() -> None:
    environment: dict[str, str] = {}
    processes.tune_threads(environment)
    assert environment == {'OPENCV_FOR_THREADS_NUM': '1'}
    chosen = {'OPENCV_FOR_THREADS_NUM': '4'}
    processes.tune_threads(chosen)
    assert chosen == {'OPENCV_FOR_THREADS_NUM': '4'}


def test_opencv_obeys_the_variable() -> None:
    program = (
        'from lerobot_drivers.common.processes import tune_threads; import cv2; '
        'tune_threads(); print(cv2.getNumThreads())'
    )
    told = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)
    assert told.stdout.strip() == '1', told.stderr
