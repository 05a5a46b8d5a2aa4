"""Flags of LeRobot's ``DatasetRecordConfig`` that mean something else, or one thing only, here."""

from __future__ import annotations

from dataclasses import dataclass

from lerobot_drivers.common.config import STRICT_KEYS


@dataclass(frozen=True, kw_only=True)
class LeRobotFlags:
    """How LeRobot's recorder is told to encode.

    Attributes:
        streaming_encoding: ``true``, the only way there is: encoded while recorded.
        video_encoding_batch_size: 1, the only one: every episode is encoded by itself.
        encoder_queue_maxsize: pictures per camera that may wait for the encoder; None
            takes a second of them.
        encoder_threads: threads per encoder; None takes one, cameras are the parallelism.
        no_stamp: ``true``, the only way: a repo_id is kept as it is given.
    """

    __pydantic_config__ = STRICT_KEYS

    streaming_encoding: bool = True
    video_encoding_batch_size: int = 1
    encoder_queue_maxsize: int | None = None
    encoder_threads: int | None = None
    no_stamp: bool = True

    def __post_init__(self) -> None:
        threads, waiting = self.encoder_threads, self.encoder_queue_maxsize
        checks = (
            (
                'streaming_encoding',
                self.streaming_encoding,
                'true: pictures are always encoded while they are recorded',
            ),
            (
                'video_encoding_batch_size',
                self.video_encoding_batch_size == 1,
                '1: every episode is encoded while it is recorded',
            ),
            ('encoder_queue_maxsize', waiting is None or waiting >= 1, 'at least 1'),
            ('encoder_threads', threads is None or threads >= 1, 'at least 1'),
            ('no_stamp', self.no_stamp, 'true: put the date into repo_id where it is wanted'),
        )
        for name, good, expected in checks:
            if not good:
                raise ValueError(f'{name} must be {expected}, found {getattr(self, name)!r}')
