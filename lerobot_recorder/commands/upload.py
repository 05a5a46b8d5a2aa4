"""``lerobot-ros upload``: bring a dataset to the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lerobot_drivers.common.command_line import (
    make_console,
    read_sections,
    section_of,
    split_positional,
    switch,
)
from lerobot_drivers.common.config import STRICT_KEYS, build
from lerobot_drivers.common.errors import UsageError
from lerobot_recorder.commands.which_dataset import DATASET_KEYS, dataset_root
from lerobot_recorder.hub.job import MAIN, Job
from lerobot_recorder.hub.session import upload

KNOWN = ('dataset', 'branch', 'overwrite')
HUB_KEYS = ('repo_id', 'private', 'tags')
HELP = """usage: lerobot-ros upload [FOLDER] --dataset.repo_id=USER/NAME

Uploads a dataset to the Hugging Face Hub, or what is new of it. It may be interrupted, and goes
on where it was; it may run while episodes are recorded. At every moment the Hub holds a dataset
that loads, or none. Log in first with `hf auth login`, or set HF_TOKEN.

  --dataset.root=FOLDER        the dataset's folder, else LeRobot's place for the repo_id
  --dataset.private=true       only for you; what is public already is refused then
  --dataset.tags="[a, b]"      words for the dataset card
  --branch=NAME                another branch than main
  --overwrite=true             replace another dataset that lies there

A README.md of your own in the folder, or on the Hub, is kept as the dataset card."""


@dataclass(frozen=True, kw_only=True)
class HubKeys:
    """What of ``--dataset.*`` concerns the Hub, see `lerobot_recorder.config.DatasetConfig`."""

    __pydantic_config__ = STRICT_KEYS

    repo_id: str
    private: bool | None = None
    tags: list[str] | None = None


def run(arguments: Sequence[str]) -> int:
    """Run the command.

    Args:
        arguments: the command line after ``upload``.

    Raises:
        UsageError: flags that cannot be obeyed.
        DatasetError: there is no such dataset.
        HubError: it cannot be uploaded, or not all of it.
    """
    folder, flags = split_positional(arguments)
    sections = read_sections(flags, KNOWN, {'dataset': {*DATASET_KEYS, *HUB_KEYS}})
    root = dataset_root(sections, folder)
    given = section_of(sections, 'dataset')
    if not given.get('repo_id'):
        raise UsageError('name the dataset on the Hub: --dataset.repo_id=USER/NAME')
    keys = build(HubKeys, {key: given[key] for key in HUB_KEYS if key in given}, 'dataset')
    job = Job(
        root.absolute(),
        keys.repo_id,
        keys.private,
        tuple(keys.tags or ()),
        str(sections.get('branch') or MAIN),
        switch(sections, 'overwrite'),
    )
    console = make_console()
    upload(job, lambda line: console.print(line))
    return 0
