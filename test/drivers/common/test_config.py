"""Flags, files and config dataclasses: what the user typed is what arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lerobot_drivers.common.config import (
    STRICT_KEYS,
    build,
    dump,
    merge,
    parse_flags,
    read_yaml,
    set_key,
)
from lerobot_drivers.common.errors import ConfigError, UsageError


@dataclass(frozen=True, kw_only=True)
class Inner:
    __pydantic_config__ = STRICT_KEYS

    fps: int = 30

    def __post_init__(self) -> None:
        if self.fps < 1:
            raise ValueError(f'fps must be above 0, found {self.fps}')


@dataclass(frozen=True, kw_only=True)
class Outer:
    __pydantic_config__ = STRICT_KEYS

    id: str
    number: int = 0
    ratio: float = 0.0
    index: int | str = 0
    path: Path | None = None
    inner: Inner = field(default_factory=Inner)


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (['--a.b=c'], {'a': {'b': 'c'}}),
        (['--a.b', 'c'], {'a': {'b': 'c'}}),
        (['--a.b=1', '--a.c=2'], {'a': {'b': 1, 'c': 2}}),
        (['--n=-5', '--m', '-5', '--f', '-0.5'], {'n': -5, 'm': -5, 'f': -0.5}),
        (['--on', '--off=false', '--last'], {'on': True, 'off': False, 'last': True}),
        (['--x=a=b'], {'x': 'a=b'}),
        (['--x='], {'x': None}),
        (['--x=1', '--x=2'], {'x': 2}),
        (['--port=/dev/ttyACM0'], {'port': '/dev/ttyACM0'}),
        (['--port=sim://bench/arm'], {'port': 'sim://bench/arm'}),
        (['--list=[1, two]'], {'list': [1, 'two']}),
        (
            ['--cams={front: {type: opencv, fps: 30}}', '--cams.front.fps=15'],
            {'cams': {'front': {'type': 'opencv', 'fps': 15}}},
        ),
        (['--a=true', '--a.b=1'], {'a': {'b': 1}}),
        (['--a.b=1', '--a'], {'a': {'b': 1}}),
        (['--a.b=1', '--a=false'], {'a': False}),
        (['--nested=a:\n  b: 1'], {'nested': {'a': {'b': 1}}}),
    ],
)
def test_flags(arguments, expected):
    assert parse_flags(arguments) == expected


@pytest.mark.parametrize(
    'text',
    ['Pick: red, then blue', 'Pick cube #3', '*star first', '- not a list', 'a {b} c', 'x: y'],
)
def test_a_text_of_several_words_stays_as_it_was_typed(text):
    assert parse_flags([f'--task={text}']) == {'task': text}


@pytest.mark.parametrize('text', ['007', '0x10', '1_000', '12:30', '2024-01-01', '1:30.5', '+7'])
def test_a_word_that_yaml_would_respell_stays_as_it_was_typed(text):
    assert parse_flags([f'--id={text}']) == {'id': text}


def test_a_number_kept_as_text_is_a_number_where_one_is_wanted():
    flags = parse_flags(['--id=007', '--number=010', '--ratio=1e3', '--index=0'])
    built = build(Outer, flags, 'arm')
    assert (built.id, built.number, built.ratio, built.index) == ('007', 10, 1000.0, 0)


@given(st.text(st.characters(codec='ascii', exclude_categories=['C']), min_size=1))
def test_whatever_is_typed_gives_a_value_or_a_usage_error(text):
    try:
        parsed = parse_flags([f'--a.b={text}'])
    except UsageError as error:
        assert '--a.b' in str(error) and '\n' not in str(error)
    else:
        assert set(parsed) == {'a'} and set(parsed['a']) == {'b'}


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (['now'], "unexpected argument 'now'"),
        (['-v'], "unexpected argument '-v'"),
        (['--'], "unexpected argument '--'"),
        (['--a=1', '--a.b=2'], "--a.b: 'a' is a value already, not a section"),
        (['--a..b=1'], '--a..b: a part of its name is empty'),
        (['--=1'], 'a part of its name is empty'),
        (['--a.=1'], '--a.: a part of its name is empty'),
        (['--cams={front: '], '--cams: .* is not valid YAML'),
        (['--cams={front: {fps: 3}'], '--cams: .* is not valid YAML'),
    ],
)
def test_a_wrong_flag_is_named_in_one_line(arguments, told):
    with pytest.raises(UsageError, match=told) as caught:
        parse_flags(arguments)
    assert '\n' not in str(caught.value)


def test_flags_are_laid_over_sections():
    base = {'robot': {'port': 'a', 'cameras': {'front': {'fps': 30}}}, 'other': 1}
    over = {'robot': {'cameras': {'front': {'width': 9}, 'side': {}}}, 'other': {'x': 1}}
    assert merge(base, over) == {
        'robot': {'port': 'a', 'cameras': {'front': {'fps': 30, 'width': 9}, 'side': {}}},
        'other': {'x': 1},
    }
    assert base['robot']['cameras'] == {'front': {'fps': 30}}, 'the base was changed'


def test_an_empty_mapping_takes_away_only_where_that_is_wanted():
    base = {'robot': {'port': 'a', 'cameras': {'front': {}}}}
    none = {'robot': {'cameras': {}}}
    assert merge(base, none) == base
    assert merge(base, none, empty_clears=True) == {'robot': {'port': 'a', 'cameras': {}}}


def test_setting_a_key_makes_the_sections_above_it():
    section: dict = {'a': {'x': 1}}
    set_key(section, 'a.b.c', 2)
    assert section == {'a': {'x': 1, 'b': {'c': 2}}}


@pytest.mark.parametrize(
    ('content', 'told'),
    [
        (b'a: [1', 'is not valid YAML'),
        (b'\xff\xfe\x00\x89PNG', 'is not valid YAML'),
        (b'- 1\n', 'must hold a mapping of sections, found list'),
        (b'', 'must hold a mapping of sections, found nothing'),
        (None, 'cannot read configuration .*No such file'),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path, content, told):
    path = tmp_path / 'session.yaml'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value) and '\n' not in str(caught.value)


def test_a_folder_is_no_configuration(tmp_path):
    with pytest.raises(ConfigError, match='cannot read configuration'):
        read_yaml(tmp_path)


@pytest.mark.parametrize(
    ('values', 'told'),
    [
        ({}, '^arm.id is missing$'),
        ({'id': 'a', 'prot': 1}, '^arm.prot is not a known key$'),
        ({'id': 'a', 'number': 'many'}, "^arm.number: .*, found 'many'$"),
        ({'id': True}, '^arm.id: .*, found True$'),
        ({'id': 'a', 'inner': {'fps': 0}}, '^arm.inner: fps must be above 0, found 0$'),
        ({'id': 'a', 'inner': 3}, '^arm.inner: .*found 3$'),
        ('so101', "^arm: .*found 'so101'$"),
        (None, '^arm: .*found None$'),
    ],
)
def test_every_mistake_names_its_key(values, told):
    with pytest.raises(ConfigError, match=told):
        build(Outer, values, 'arm')


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        build(Outer, {'number': 'x', 'prot': 1}, 'arm')
    assert str(caught.value).count(';') == 2


@given(
    st.builds(
        Outer,
        id=st.text(),
        number=st.integers(-(2**60), 2**60),
        ratio=st.floats(allow_nan=False),
        index=st.integers(0, 9) | st.text(),
        path=st.none() | st.just(Path('/x/y z')),
        inner=st.builds(Inner, fps=st.integers(1, 100)),
    )
)
def test_a_config_survives_the_way_through_a_file(config):
    text = yaml.safe_dump(dump(config))
    assert build(Outer, yaml.safe_load(text), 'arm') == config


def test_a_section_that_is_switched_on_keeps_its_settings():
    below = {'section': {'port': 1}}
    assert merge(below, {'section': True}) == below
    assert merge(below, {'section': False}) == {'section': False}
