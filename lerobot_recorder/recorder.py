"""The recorder without ROS: messages in, the operator's words in, episodes out.

An operator's session is a row of episodes with a reset between two of them, as with
``lerobot-record``. Time is that of arrival; episodes are cut on acquisition time.
"""

from __future__ import annotations

from collections.abc import Sequence

from lerobot_drivers.common.clock import NS_PER_S
from lerobot_recorder.capture import Capture
from lerobot_recorder.companion import Companion, Companions
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.marks import Marks
from lerobot_recorder.messages import RawMessage
from lerobot_recorder.preparation import MakeWriter, Preparation, waited_in_vain
from lerobot_recorder.recent_messages import RecentMessages
from lerobot_recorder.recorder_status import EpisodeSummary, Phase, RecorderStatus, SessionConfig
from lerobot_recorder.resource_guard import ResourceGuard
from lerobot_recorder.row_plan import RowPlan
from lerobot_recorder.running_take import accept_take, begin_take, encoder_warning, why
from lerobot_recorder.schedule import Schedule
from lerobot_recorder.session_episodes import SessionEpisodes
from lerobot_recorder.session_health import Behind
from lerobot_recorder.stream_health import SessionWatch, StreamState
from lerobot_recorder.take import Take
from lerobot_recorder.verbs import OUTCOMES, VERBS, Answer, done, refused

DRAIN_NS = NS_PER_S // 2
"""How long after the end of an episode its last messages are waited for [ns]."""
_IDLE = 'no episode is running'


class Recorder:
    """Runs a session.

    Args:
        plan: how rows are made; learnt from the first messages where open.
        make_writer: opens the dataset once its features are known.
        session: how the episodes run.
        now_ns: the time of arrival now [ns].
        capture: what is kept beside the rows; by default the commands, nothing of the session.
        companions: who else is told what happens.

    Attributes:
        plan: how rows are made.
        guard: knows when memory or disk run out; by default nobody looks.
        is_held: no take begins by itself meanwhile, though one may be due.
    """

    def __init__(
        self,
        plan: RowPlan,
        make_writer: MakeWriter,
        session: SessionConfig,
        now_ns: int,
        capture: Capture | None = None,
        companions: Sequence[Companion] = (),
    ) -> None:
        self.phase = Phase.PREPARING
        self.message, self.is_held = '', False
        self.plan, self.guard = plan, ResourceGuard()
        self._capture = capture or Capture(plan.mapping)
        self._companions = Companions(companions)
        self._preparation = Preparation(plan, make_writer, session, self._companions, now_ns)
        self._watch = SessionWatch(plan)
        self._session = session
        self._task = session.task
        self._take: Take | None = None
        self._marks = Marks()
        self._episodes = SessionEpisodes(self._companions)
        self._now_ns = self._since_ns = self._free_ns = now_ns
        self._schedule = Schedule(session.by_hand)
        self._keep, self._warned, self._stopped = True, False, False
        self._recent = RecentMessages(session.preroll_ns)

    @property
    def episodes(self) -> list[EpisodeSummary]:
        """Return the episodes of this session that are durable."""
        return self._episodes.saved

    @property
    def accepted(self) -> int:
        """Return how many episodes were kept: those that are durable and those being saved."""
        return self._episodes.accepted

    @property
    def _writer(self) -> DatasetWriter | None:
        return self._preparation.writer

    @property
    def is_done(self) -> bool:
        """Return whether the session is over."""
        return self.phase is Phase.DONE

    @property
    def is_due(self) -> bool:
        """Return whether the time has come for the next take to begin."""
        return self.phase.is_between and self._schedule.is_due(self._now_ns)

    def on_message(self, raw: RawMessage) -> None:
        """Take in a message.

        Raises:
            StreamError: a topic gives nothing that can be recorded.
        """
        makes_no_row = self._capture.on_message(raw) or raw.topic in self._capture.beside
        if makes_no_row or (self._take is not None and self.phase is not Phase.SAVING):
            self._companions.on_message(raw)
        if self.phase is Phase.PREPARING:
            self._preparation.learn(raw)
        if makes_no_row:
            return
        self._recent.add(raw)
        if self._take is None or self.phase is Phase.SAVING:
            self.plan.observe(raw)
        else:
            self._take.add(raw)

    def poll(self, now_ns: int) -> None:
        """Let time pass.

        Args:
            now_ns: time of arrival up to which every message has been taken in [ns].

        Raises:
            StreamError: topics stay silent for too long.
            DatasetError: the dataset cannot be written, or an episode that was accepted could
                not be saved.
        """
        running, before = self._take if self.phase.is_running else None, self.message
        self.message = self.guard.heed(running) or self.message
        self._advance(now_ns)
        self._collect()
        told = [*([self.message] if self.message != before else []), *self._companions.told()]
        self.message = '; '.join(told) or self.message
        if self.phase is Phase.PREPARING:
            self.message = self._preparation.poll(self._now_ns) or self.message
            if self._preparation.is_checked:
                self._go(Phase.DONE)
            elif self._preparation.is_over:
                self._rest(Phase.WARMUP, self._session.warmup_ns)
        if self.is_due and not self.is_held:
            self._begin()
        self._check_timeout()

    def obey(self, verb: str) -> Answer:
        """Do what the operator says, one of `VERBS`; the answer may come later."""
        assert verb in VERBS, verb
        if verb in OUTCOMES:
            return self._end(by=verb) or self._episodes.label_last(verb)
        answer: Answer = getattr(self, 'rerecord' if verb == 'discard' else verb)()
        return answer

    def save(self) -> Answer:
        """End the running episode now and keep it."""
        return self._end(by='save') or refused(_IDLE)

    def start(self) -> Answer:
        """Begin the next episode now."""
        if not self.phase.is_between:
            return refused(f'an episode cannot begin while {self.phase.value}')
        self._schedule.resume(self._now_ns)
        self._begin()
        return done('episode begun') if self._take else refused(self.message)

    def end_episode(self) -> Answer:
        """End the running episode now and keep it, or the reset."""
        return self.start() if self.phase.is_between else self.save()

    def rerecord(self) -> Answer:
        """Drop the running episode, or after its end the last one; it is recorded again."""
        if self._take is not None:
            self._keep = False
            self._close_take()
            return done(self.message)
        return self._episodes.drop_last() if self.phase.is_between else refused('nothing to drop')

    def pause(self) -> Answer:
        """End and keep the running episode, and let the next one wait."""
        is_over = self.phase in (Phase.SAVING, Phase.DONE) and self._take is None
        if self._schedule.is_paused or is_over:
            return refused('paused already' if self._schedule.is_paused else 'the session is over')
        self._schedule.pause(self._now_ns)
        return self._end(by='pause') or done('paused')

    def resume(self) -> Answer:
        """Go on after a pause: the reset runs on, or the next episode begins."""
        if not self._schedule.is_paused:
            return refused('not paused')
        self._schedule.resume(self._now_ns)
        return done('resumed')

    def stop(self) -> Answer:
        """End the session; the running episode is kept up to now.

        The session is over when all that was accepted is durable.
        """
        self._stopped = True
        may_run = self.phase.is_running or self.phase in (Phase.FINISHING, Phase.SAVING)
        if may_run and self._take is not None:
            self._take.until_ns = min(self._take.until_ns, self._now_ns)
            self._take.finish()
            self._take.ended = None if self._take.is_full else 'the session was stopped'
            self._close_take()
        self._take = None
        if not self.is_done:
            self._go(Phase.SAVING)
            self._collect()
        return done('stopped')

    def set_task(self, task: str) -> Answer:
        """Say what the robot is told to do from the next episode on."""
        if not task.strip():
            return refused('the task is empty')
        self._task = task.strip()
        return done(f'the next episode: {self._task}')

    def note(self, text: str) -> Answer:
        """Note something of the running episode, or of the last one."""
        return self._marks.note(text) if self._take else self._episodes.note_last(text)

    def mark(self, kind: str, text: str, stamp_ns: int) -> Answer:
        """Mark a moment [ns] of the running episode: an ``event``, or a beginning ``subtask``."""
        return self._marks.mark(kind, text, stamp_ns) if self._take else refused(_IDLE)

    def wait(self) -> None:
        """Wait until all that was accepted is durable.

        Raises:
            DatasetError: an episode could not be saved; those after it are, if they can be.
        """
        try:
            self._episodes.wait()
        finally:
            self._collect()

    def restart_time(self, now_ns: int, reason: str) -> None:
        """Go on at an earlier time: the clock of all stamps went back.

        A running episode ends with what came before; the next take begins in the new time.

        Args:
            now_ns: time of arrival now, on the new clock [ns].
            reason: what happened, for the operator.
        """
        if self._take is not None and self.phase is not Phase.SAVING:
            self._take.finish()
            self._take.ended = reason
            self._close_take()
        self._schedule.restart_time(self._now_ns, now_ns)
        self._recent.clear()
        self._preparation.restart(now_ns)
        self._now_ns = self._since_ns = self._free_ns = now_ns

    def close(self) -> None:
        """Finalise the dataset; an episode still running is dropped, accepted ones are saved."""
        if self._take is not None and not self._take.num_frames:
            self._companions.end_episode(keep=False)
        self._take = None
        try:
            if self._writer is not None:
                self._writer.finalize()
        finally:
            self._companions.close()

    def status(self) -> RecorderStatus:
        """Return what an operator must know."""
        return RecorderStatus(
            phase=self.phase.value,
            saved=len(self.episodes),
            accepted=self.accepted,
            wanted=self._session.num_episodes,
            frames=self._take.num_frames if self._take else 0,
            episode_frames=self._session.episode_frames,
            waiting_for=tuple(self.waiting_for()),
            left_s=self._schedule.left_s(self._now_ns) if self.phase.is_between else 0.0,
            task=self._take.task if self._take else self._task,
            message=self.message,
            paused=self._schedule.is_paused,
            by_hand=self._session.by_hand,
            root=self._session.root,
            streams=tuple(state.line for state in self._watch.states),
            fps=self.plan.mapping.fps,
        )

    def look(self) -> tuple[tuple[StreamState, ...], Behind]:
        """Return how the streams are, and what waits inside; ask once a second."""
        running = self._take if self.phase is not Phase.SAVING else None
        states = self._watch.look(self._now_ns, running)
        saving = self.accepted - len(self.episodes)
        return states, Behind.of(self._writer, self._take, saving, self._now_ns)

    def waiting_for(self) -> list[str]:
        """Return the topics without which nothing goes on."""
        if self.phase is Phase.PREPARING:
            return self._preparation.waiting_for()
        return self._take.waiting_for() if self._take and self.phase is Phase.WAITING else []

    def _advance(self, now_ns: int) -> None:
        self._now_ns = max(self._now_ns, now_ns)
        take = self._take
        if take is None:
            return
        take.poll(self._now_ns)
        if self.phase is Phase.WAITING and take.num_frames:
            self._go(Phase.RECORDING)
        if take.encoders_behind and not self._warned:
            self._warned = True
            self.message = encoder_warning(take)
        ended = take.lost or take.ended or take.is_complete(self._now_ns)
        if ended or self.phase is Phase.SAVING:
            self._close_when_possible()
        elif self.phase is Phase.FINISHING and self._now_ns >= take.until_ns + DRAIN_NS:
            take.finish()
            self._close_when_possible()

    def _close_when_possible(self) -> None:
        """Close the take, unless too many episodes are being saved: then it waits its turn."""
        assert self._writer is not None
        if self._writer.can_accept or not self._keep:
            self._close_take()
        elif self.phase is not Phase.SAVING:
            self.message = 'the disk or the encoders are behind: waiting for episodes to be saved'
            self._go(Phase.SAVING)

    def _collect(self) -> None:
        """Take note of what has become durable."""
        self._episodes.collect()
        self.message = self._episodes.message or self.message
        self._episodes.message = ''
        if self.phase is Phase.SAVING and self._take is None and self._episodes.are_settled:
            self._go(Phase.DONE)

    def _rest(self, phase: Phase, rest_ns: int) -> None:
        """Wait for the next episode: for a time, for somebody to start it, or for a resume."""
        self._go(phase)
        self._schedule.rest(self._now_ns, rest_ns)

    def _begin(self) -> None:
        assert self._writer is not None
        if self.guard.problem is not None:
            self.message = f'no take begins: {self.guard.problem}'
            return
        start_ns = max(self._now_ns - self._session.preroll_ns, self._free_ns)
        self._take = Take(self.plan, self._writer, self._task, start_ns, self._capture)
        self._take.max_frames, self._take.is_live = self._session.episode_frames, True
        self._keep, self._warned = True, False
        self._episodes.amendments, self._episodes.can_drop = self._writer.amendments, False
        self._marks = Marks(self._take.tell)
        split_ns = start_ns if self._session.preroll_ns else self._now_ns
        begin_take(self._take, self._recent, split_ns, self._companions)
        self._go(Phase.WAITING)

    def _end(self, by: str) -> Answer | None:
        """End the running episode and keep it; return its answer, None if there is none."""
        if self._take is None:
            return None
        self._marks.answers.append(Answer())
        self._marks.outcome = by if by in OUTCOMES else self._marks.outcome
        if self.phase.is_running:
            self._take.until_ns = self._now_ns
            self._marks.ended_by = by
            self._go(Phase.FINISHING)
        return self._marks.answers[-1]

    def _close_take(self) -> None:
        """Save or drop the take, then reset or finish."""
        assert self._take is not None and self._writer is not None
        take, self._take = self._take, None
        keep = self._keep and take.num_frames > 0
        if keep:
            accepted = accept_take(take, self._marks, self.plan.mapping.fps, self._companions)
            self._episodes.add(accepted)
            self.message = accepted.told_now
        else:
            self._writer.discard_episode()
            self.message = 'episode dropped' if not self._keep else 'nothing was recorded'
        self.message += why(take)
        self._companions.end_episode(keep)
        if not keep:
            self._marks.give(False, self.message)
        self._free_ns = self._now_ns
        if self.accepted >= self._session.num_episodes or self._stopped:
            self._go(Phase.SAVING)
        else:
            self._rest(Phase.RESETTING, self._session.reset_ns)

    def _go(self, phase: Phase) -> None:
        self.phase = phase
        self._since_ns = self._now_ns

    def _check_timeout(self) -> None:
        waits = self.phase is Phase.WAITING or (self.phase is Phase.PREPARING and not self._writer)
        if waits and self._now_ns - self._since_ns > self._session.timeout_ns:
            if self.phase is Phase.PREPARING:
                self._preparation.check()
            raise waited_in_vain(self._session.timeout_ns, self.waiting_for(), self.plan)
