"""tasks.parquet is replaced while an episode with a new task is saved: a reader sees either."""

from __future__ import annotations

import os
import threading

import pyarrow.parquet as pq

from lerobot_recorder.dataset import layout, tasks
from lerobot_recorder.dataset.dataset_reader import DatasetReader
from lerobot_recorder.dataset.dataset_writer import DatasetWriter
from lerobot_recorder.dataset.validate import validate_dataset

READS = 400


def test_a_file_that_is_replaced_while_it_is_read_is_the_old_or_the_new_one(good):
    path, over = good / layout.TASKS, threading.Event()
    known = tasks.read(good)
    contents = [known, [*known, *(f'A task with a longer name, number {n}' for n in range(40))]]
    replaced = 0

    def replace() -> None:
        nonlocal replaced
        while not over.is_set():
            new = path.with_name('new')
            tasks.write(new, contents[replaced % 2])
            os.replace(new, path)
            replaced += 1

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        found = [tasks.read(good) for _ in range(READS)]
        odd = [str(f) for _ in range(20) for f in validate_dataset(good) if 'read' in str(f)]
    finally:
        over.set()
        thread.join()
    assert all(sentences in contents for sentences in found) and not odd
    assert replaced > 2
    assert pq.read_table(path).num_rows in (len(known), len(known) + 40)


def test_a_reader_finds_every_episode_whole_at_any_step_of_saving_another(
    good, info, film, monkeypatch
):
    replace, seen = os.replace, []

    def watched(source, target):
        replace(source, target)
        reader = DatasetReader(good)
        seen.append([len(view.row_tasks) for view in reader.episodes()])

    with DatasetWriter.resume(good, info) as writer:
        film.add(writer, 4, 'A task that is new')
        with monkeypatch.context() as patch:
            patch.setattr(os, 'replace', watched)
            writer.save_episode()
    assert seen[0] == [5, 7, 6] and seen[-1] == [5, 7, 6, 4]
