"""Pushes to the stand-in: what is there afterwards, whatever went wrong meanwhile."""

from __future__ import annotations

import json

import pytest
from hub_scene import REPO, Uploader, local, record, remote
from hub_standin import Fault
from hub_store import Blob
from huggingface_hub import snapshot_download

from lerobot_drivers.common.errors import DatasetError, HubBusyError, HubError
from lerobot_recorder.dataset import layout
from lerobot_recorder.dataset.compact import compact_dataset
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.edits.delete import delete_episodes
from lerobot_recorder.dataset.edits.merge import merge_datasets
from lerobot_recorder.dataset.edits.source import read_source
from lerobot_recorder.dataset.edits.split import extract_episodes
from lerobot_recorder.dataset.edits.write_statistics import write_statistics
from lerobot_recorder.dataset.validate import ERROR, validate_dataset
from lerobot_recorder.hub import plan
from lerobot_recorder.hub.push import patiently

# huggingface_hub's own use of httpx2
pytestmark = pytest.mark.filterwarnings('ignore:Use .content:DeprecationWarning')
TAG = layout.CODEBASE_VERSION


def head(hub, branch='main'):
    return hub.repos[REPO].branches[branch]


def total_episodes(files):
    return json.loads(files[layout.INFO])['total_episodes']


def test_the_hub_holds_what_lies_here(hub, uploader, root):
    pushed = uploader.run()
    assert (pushed.episodes, pushed.private) == (3, False)
    assert remote(hub) == local(root)
    assert hub.repos[REPO].tags == {TAG: head(hub)}
    assert hub.repos[REPO].log[1:] == ['3 episodes'], 'all of it counts at once'
    assert uploader.sent[0][0] == 0
    assert uploader.sent[-1][0] == uploader.sent[-1][1] == pushed.size


def test_what_is_there_can_be_downloaded_and_read(hub, uploader, root, tmp_path):
    uploader.run()
    folder = tmp_path / 'back'
    snapshot_download(REPO, repo_type='dataset', revision=TAG, local_dir=folder)
    assert [f for f in validate_dataset(folder, decode=True) if f.severity == ERROR] == []
    here, there = DatasetReader(root), DatasetReader(folder)
    assert [e.extra for e in here.episodes()] == [e.extra for e in there.episodes()]


def test_a_second_push_sends_nothing(hub, uploader, root):
    uploader.run()
    before, asked = head(hub), len(hub.requests)
    assert Uploader(root).run().files == 0
    assert head(hub) == before
    assert [line for line in hub.requests[asked:] if not line.startswith('GET')] == []


def test_only_what_is_new_is_sent(hub, uploader, root):
    uploader.run()
    record(root, 1, resume=True)
    asked = len(hub.requests)
    pushed = uploader.run()
    assert pushed.episodes == 4
    assert remote(hub) == local(root)
    sent = [line for line in hub.requests[asked:] if line.startswith('PUT')]
    assert len(sent) == pushed.files - 3, 'data, video, episodes row, tables; documents are small'
    assert hub.repos[REPO].tags == {TAG: head(hub)}


def test_joined_files_take_the_place_of_those_they_were_made_of(hub, uploader, root):
    uploader.run()
    compact_dataset(root)
    uploader.run()
    assert remote(hub) == local(root)
    assert len([path for path in remote(hub) if path.startswith('data/')]) == 1


def test_deleted_episodes_leave_the_hub_too(hub, uploader, root):
    uploader.run()
    gone = DatasetReader(root).episode(0).extra['ros/uuid']
    delete_episodes(root, [0])
    uploader.run()
    assert remote(hub) == local(root)
    assert not [path for path in remote(hub) if path.endswith(f'{gone}.json')]
    delete_episodes(root, [0])
    record(root, 1, resume=True)
    uploader.run()
    assert remote(hub) == local(root)


def test_edited_and_merged_datasets_can_be_uploaded(hub, uploader, root, tmp_path):
    uploader.run()
    compact_dataset(root)
    merged = merge_datasets([root, record(tmp_path / 'other', 2)], tmp_path / 'merged').root
    delete_episodes(merged, [1])
    part, _ = extract_episodes(read_source(root), tmp_path / 'part', [0])
    with pytest.raises(HubError, match=r'holds 2 episodes that are not'):
        Uploader(part.root).run()
    write_statistics(merged)
    Uploader(merged).run()
    assert remote(hub) == local(merged)


def test_files_of_others_in_the_repository_stay(hub, uploader, root):
    uploader.repository.create()
    repo = hub.repos[REPO]
    repo.add('main', {'notes/a.md': Blob(b'mine', False)}, 'by hand')
    uploader.run()
    record(root, 1, resume=True)
    uploader.run()
    assert repo.files['notes/a.md'] == b'mine'


def test_many_files_go_ahead_of_the_commit_that_makes_them_count(hub, uploader, root, monkeypatch):
    monkeypatch.setattr(plan, 'COMMIT_FILES', 3)
    uploader.run()
    assert remote(hub) == local(root)
    for tree in list(hub.repos[REPO].commits.values())[:-1]:
        assert not [path for path in tree if path.startswith('meta/') and '/ros/' not in path]
    record(root, 3, resume=True)
    before, old = len(hub.repos[REPO].commits), set(remote(hub))
    uploader.run()
    assert remote(hub) == local(root)
    added = list(hub.repos[REPO].commits.values())[before:]
    assert len(added) > 3
    for tree in added[:-1]:
        assert {p for p in tree if p.startswith(('data/', 'meta/episodes/'))} <= old


def test_every_state_of_the_repository_is_a_whole_dataset(hub, uploader, root):
    for _ in range(3):
        uploader.run()
        record(root, 1, resume=True)
    for tree in list(hub.repos[REPO].commits.values())[1:]:
        files = {path: blob.content for path, blob in tree.items()}
        total = total_episodes(files)
        for folder in ('data/', 'videos/', 'meta/episodes/'):
            assert len([path for path in files if path.startswith(folder)]) == total
        assert json.loads(files[layout.STATS])['action']['count'] == [5 * total]


def test_small_pages_of_the_tree_are_all_read(hub, uploader, root):
    hub.page = 4
    uploader.run()
    assert Uploader(root).run().files == 0


def test_large_files_go_in_parts(hub, uploader, root):
    hub.chunk = 20_000
    uploader.run()
    assert remote(hub) == local(root)
    assert hub.asked('POST /complete/')


@pytest.mark.parametrize(
    'fault',
    [
        Fault('PUT /lfs/', None, after=100, times=2),
        Fault('PUT /lfs/', 500, times=3),
        Fault('PUT /lfs/', None, done=True),
        Fault('objects/batch', 503),
        Fault('/preupload/', 502),
    ],
    ids=['cut off', '500', 'answer lost', 'batch', 'preupload'],
)
def test_a_fault_while_contents_are_sent_is_overcome(hub, uploader, root, fault):
    hub.faults = [fault]
    told = []
    patiently(uploader.push, uploader.run, uploader.clock, told.append, 6)
    assert fault.times == 0, 'the fault had no effect'
    assert remote(hub) == local(root)


@pytest.mark.parametrize(
    'fault',
    [
        Fault('/commit/', 503),
        Fault('/commit/', None),
        Fault('/commit/', None, done=True),
        Fault('POST .*/tag/', 500),
        Fault('DELETE .*/tag/', None, done=True),
        Fault('GET .*/tree/', 504, times=8),
        Fault('POST /api/repos/create', 500),
        Fault('POST /api/validate-yaml', 503),
    ],
    ids=str,
)
def test_a_fault_between_the_steps_is_overcome_by_trying_again(hub, uploader, root, fault):
    uploader.run() if 'DELETE' in fault.pattern else None
    record(root, 1, resume=True)
    hub.faults = [fault]
    told = []
    card = {'README.md': b'---\nlicense: mit\n---\n'}

    def step():
        return uploader.run(make_card=lambda remote: card)

    patiently(uploader.push, step, uploader.clock, told.append, 10)
    assert told, 'the fault had no effect'
    assert remote(hub) == {**local(root), **card}
    assert hub.repos[REPO].tags == {TAG: head(hub)}
    counted = [tree for tree in hub.repos[REPO].log if 'episodes' in tree]
    assert len(counted) == len(set(counted)), 'nothing was committed twice'


def test_the_hub_says_when_to_come_back(hub, uploader):
    hub.faults = [Fault('/commit/', 429, headers={'Retry-After': '77'})]
    told = []
    before = uploader.clock.now_ns()
    patiently(uploader.push, uploader.run, uploader.clock, told.append, 3)
    assert 'trying again in 77 s' in told[0]
    assert uploader.clock.now_ns() - before == 77 * 10**9


def test_patience_ends_unless_something_goes_on(hub, uploader):
    hub.faults = [Fault('/commit/', 500, 'out of order', times=100)]
    told = []
    with pytest.raises(HubBusyError, match='500 out of order'):
        patiently(uploader.push, uploader.run, uploader.clock, told.append, 4)
    # The first try sends the contents, which is worth another one.
    assert len(told) == 3


def test_what_was_sent_before_an_end_is_not_sent_again(hub, uploader, root):
    hub.faults = [Fault('/commit/', 500)]
    with pytest.raises(HubBusyError):
        uploader.run()
    sent = len(hub.asked('PUT /lfs/'))
    Uploader(root).run()
    assert len(hub.asked('PUT /lfs/')) == sent
    assert remote(hub) == local(root)


def test_contents_can_go_ahead_without_a_commit(hub, uploader, root):
    assert uploader.run(commit=False).episodes == 0
    assert remote(hub) == {}
    sent = len(hub.asked('PUT /lfs/'))
    uploader.run()
    assert len(hub.asked('PUT /lfs/')) == sent
    assert remote(hub) == local(root)


def test_somebody_elses_commit_in_between_is_not_lost(hub, uploader, root):
    def meddle(line):
        if '/commit/' in line:
            hub.on_request = lambda line: None
            repo = hub.repos[REPO]
            tree = repo.commits[repo.branches['main']]
            repo.add('main', {**tree, 'notes.md': Blob(b'me too', False)}, 'by hand')

    hub.on_request = meddle
    told = []
    patiently(uploader.push, uploader.run, uploader.clock, told.append, 3)
    assert '412' in told[0]
    assert remote(hub) == {**local(root), 'notes.md': b'me too'}


def test_a_video_that_is_replaced_before_it_is_sent_is_looked_at_again(hub, uploader, root):
    video = next((root / 'videos').rglob('*.mp4'))

    def replace(line):
        if '/preupload/' in line:
            hub.on_request = lambda line: None
            video.write_bytes(b'another')

    hub.on_request = replace
    told = []
    patiently(uploader.push, uploader.run, uploader.clock, told.append, 3)
    assert 'was changed meanwhile' in told[0]
    assert remote(hub) == local(root)


def test_a_dataset_that_is_joined_meanwhile_is_looked_at_again(hub, uploader, root):
    def join(line):
        if line.startswith('PUT'):
            hub.on_request = lambda line: None
            compact_dataset(root)

    hub.on_request = join
    told = []
    patiently(uploader.push, uploader.run, uploader.clock, told.append, 3)
    assert told
    assert remote(hub) == local(root)


def test_another_dataset_is_not_replaced(hub, uploader, root, tmp_path):
    uploader.run()
    before = remote(hub)
    other = record(tmp_path / 'other', 2)
    with pytest.raises(HubError, match=r'holds 3 episodes that are not in .*other'):
        Uploader(other).run()
    assert remote(hub) == before
    Uploader(other, overwrite=True).run()
    assert remote(hub) == local(other)


def test_a_dataset_that_knows_no_records_is_not_replaced_either(hub, uploader, root):
    uploader.repository.create()
    stranger = Blob(b'theirs', True)
    hub.repos[REPO].add('main', {'data/chunk-000/train.parquet': stranger}, 'theirs')
    with pytest.raises(HubError, match='holds files that are others'):
        uploader.run()
    assert remote(hub) == {'data/chunk-000/train.parquet': b'theirs'}


def test_nothing_private_goes_into_the_open(hub, uploader, root):
    uploader.run()
    record(root, 1, resume=True)
    with pytest.raises(HubError, match='is public on the Hub'):
        Uploader(root, private=True).run()
    assert total_episodes(remote(hub)) == 3


def test_a_private_repository_is_made_private(hub, root):
    assert Uploader(root, private=True).run().private
    assert hub.repos[REPO].private


def test_a_branch_leaves_main_and_the_tag_alone(hub, uploader, root):
    uploader.run()
    main, tags = head(hub), dict(hub.repos[REPO].tags)
    record(root, 1, resume=True)
    Uploader(root, branch='next').run()
    assert (head(hub), hub.repos[REPO].tags) == (main, tags)
    assert head(hub, 'next') != main


@pytest.mark.parametrize(
    ('fault', 'line'),
    [
        (Fault('.*', 401), 'does not know this token: log in'),
        (Fault('/commit/', 403, 'no rights here'), 'refused me/pick: no rights here; the token'),
        (Fault('objects/batch', 402, 'quota exceeded'), 'refused me/pick: 402'),
        (Fault('/preupload/', 400, 'odd'), 'refused me/pick: 400'),
    ],
    ids=['token', 'rights', 'quota', 'odd'],
)
def test_what_trying_again_does_not_help_is_told_at_once(hub, uploader, fault, line):
    hub.faults = [fault]
    with pytest.raises(HubError, match=line) as error:
        patiently(uploader.push, uploader.run, uploader.clock, pytest.fail, 3)
    assert not isinstance(error.value, HubBusyError)
    assert '\n' not in str(error.value)


def test_no_hub_at_all_is_worth_trying_again(hub, uploader):
    hub.shutdown()
    hub.server_close()
    with pytest.raises(HubBusyError, match=r'Hub at http://127.0.0.1:\d+ cannot be reached'):
        uploader.run()


def test_an_empty_dataset_is_told(hub, tmp_path):
    root = record(tmp_path / 'empty', 1)
    info = json.loads((root / layout.INFO).read_text())
    (root / layout.INFO).write_text(json.dumps({**info, 'total_episodes': 0}))
    with pytest.raises(DatasetError, match='no episodes to upload'):
        Uploader(root).run()


def test_in_haste_a_video_of_the_same_size_is_believed_until_the_end(hub, uploader, root):
    uploader.run()
    video = next((root / 'videos').rglob('*.mp4'))
    name, content = video.relative_to(root).as_posix(), video.read_bytes()
    changed = content[:-1] + bytes([content[-1] ^ 1])
    video.write_bytes(changed)
    Uploader(root).run(in_haste=True)
    assert remote(hub)[name] == content
    Uploader(root).run()
    assert remote(hub)[name] == changed
