"""URDF files of this folder as trees, and how one robot is put together of several.

A tree is changed in place and returned, so that calls nest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from xml.etree import ElementTree

Element = ElementTree.Element
Point = tuple[float, float, float]

MOVING = ('revolute', 'continuous', 'prismatic')
FOLDER = Path(__file__).parent
_NAMED = {'link': 'name', 'joint': 'name', 'parent': 'link', 'child': 'link', 'mimic': 'joint'}
"""Which attribute of an element names a link or a joint; of a mimic's it is the joint."""
_MIRRORED_INERTIAS = ('ixy', 'iyz')


def load(name: str) -> Element:
    """Return the robot of a file of this folder, comments and all."""
    text = (FOLDER / f'{name}.urdf').read_text(encoding='utf-8')
    return parsed(text)


def parsed(text: str) -> Element:
    """Return the root of a document, comments inside it and all.

    Raises:
        ElementTree.ParseError: it is no XML.
    """
    builder = ElementTree.TreeBuilder(insert_comments=True)
    return ElementTree.fromstring(text, ElementTree.XMLParser(target=builder))


def root_link(robot: Element) -> str:
    """Return the name of the link that is on no other.

    Raises:
        ValueError: there is not exactly one.
    """
    children = {str(child.get('link')) for child in robot.iterfind('joint/child')}
    roots = [name for link in robot.iterfind('link') if (name := link.get('name')) not in children]
    if len(roots) != 1:
        raise ValueError(f'{robot.get("name")}: one root link is needed, found {roots}')
    return str(roots[0])


def prefixed(robot: Element, prefix: str) -> Element:
    """Put a prefix before the names of all links and joints."""
    for element in _elements(robot):
        attribute = _NAMED.get(element.tag)
        if attribute is not None:
            element.set(attribute, f'{prefix}{element.get(attribute)}')
    return robot


def mirrored(robot: Element) -> Element:
    """Swap left and right: y becomes -y, and what turns a joint in one turns it in the other."""
    for element in _elements(robot):
        if element.tag == 'origin':
            _scale(element, 'xyz', (1, -1, 1))
            _scale(element, 'rpy', (-1, 1, -1))
        elif element.tag == 'inertia':
            for key in _MIRRORED_INERTIAS:
                element.set(key, _negative(str(element.get(key))))
    for joint in robot.iterfind('joint'):
        axis, slides = joint.find('axis'), joint.get('type') == 'prismatic'
        if axis is not None:
            _scale(axis, 'xyz', (1, -1, 1) if slides else (-1, 1, -1))
    return robot


def mounted(
    robot: Element,
    part: Element,
    on: str,
    xyz: Point = (0.0, 0.0, 0.0),
    rpy: Point = (0.0, 0.0, 0.0),
) -> Element:
    """Put a part with its root link on a link of a robot.

    Args:
        robot: gets the part's links and joints.
        part: names of its own, but for materials that look the same.
        on: name of the link of the robot.
        xyz: where, in the frame of that link [m].
        rpy: how [rad].
    """
    base = root_link(part)
    known = {material.get('name') for material in robot.iterfind('material')}
    robot.extend(
        element
        for element in part
        if element.tag != 'material' or element.get('name') not in known
    )
    joint = ElementTree.SubElement(robot, 'joint', name=f'{base}_mount', type='fixed')
    ElementTree.SubElement(joint, 'parent', link=on)
    ElementTree.SubElement(joint, 'child', link=base)
    ElementTree.SubElement(joint, 'origin', xyz=_text(xyz), rpy=_text(rpy))
    return robot


def stilled(robot: Element, moving: Collection[str]) -> Element:
    """Fix the joints whose values nobody tells, so that all links have a place.

    Args:
        robot: its joints are changed.
        moving: names of those that are told of.
    """
    for joint in robot.iterfind('joint'):
        mimic = joint.find('mimic')
        mover = joint.get('name') if mimic is None else mimic.get('joint')
        if joint.get('type') in MOVING and mover not in moving:
            joint.set('type', 'fixed')
            for tag in ('axis', 'limit', 'mimic'):
                if (part := joint.find(tag)) is not None:
                    joint.remove(part)
    return robot


def document(robot: Element) -> str:
    """Return a robot as a URDF file."""
    ElementTree.indent(robot)
    return f'<?xml version="1.0"?>\n{ElementTree.tostring(robot, encoding="unicode")}\n'


def _elements(robot: Element) -> Iterator[Element]:
    """Return all elements but comments, whose tag is a function."""
    return (element for element in robot.iter() if isinstance(element.tag, str))


def _scale(element: Element, key: str, factors: tuple[int, int, int]) -> None:
    words = element.get(key, '').split()
    pairs = zip(words, factors, strict=False)
    if words:
        element.set(key, ' '.join(w if factor > 0 else _negative(w) for w, factor in pairs))


def _negative(number: str) -> str:
    return '0' if float(number) == 0.0 else number[1:] if number[0] == '-' else f'-{number}'


def _text(values: Point) -> str:
    return ' '.join(f'{value:g}' for value in values)
