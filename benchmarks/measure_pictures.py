"""Joint angles measured from pictures of the simulated arm, and their offset in time.

The coloured markers are found by their hue, and the angles fitted so that forward
kinematics and the camera's pinhole put them there. Run as a program it draws a film,
codes it as a recorder would, and says how well angles and time come back::

    python -m benchmarks.measure_pictures
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sequence

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lerobot_drivers.sim.camera_model import View
from lerobot_drivers.sim.figure import Body
from lerobot_drivers.sim.kinematics import JOINTS, SO101, forward_kinematics, link_poses
from lerobot_drivers.sim.markers import MARKERS
from lerobot_drivers.sim.markers import RADIUS as MARKER_RADIUS
from lerobot_drivers.sim.renderer import Renderer
from lerobot_drivers.sim.scripted_operator import ScriptedOperator

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

_LOWER = np.array([joint.lower for joint in JOINTS])
_UPPER = np.array([joint.upper for joint in JOINTS])
_FIRST_GUESS = np.array([0.0, 0.1, 0.1, 1.0, 0.0, 0.5])
_CHROMA_FLOOR = 0.25
_HUE_COSINE = 0.80
_WINDOW_RADII = 1.7
_AREA_RANGE = (0.75, 1.3)
_ITERATIONS = 12
_PRIOR = 1e-3
_HUBER_PIXELS = 0.3
_FEWEST_VALUES = 8
_NO_SHIFT = np.zeros(2)
_LINKS = np.array([marker.link for marker in MARKERS])


def _chroma(rgb: NDArray[np.generic]) -> Floats:
    """Return Cb and Cr of a picture or a colour, without their offset."""
    r, g, b = (np.asarray(rgb, np.float32)[..., i] for i in range(3))
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([(b - luma) * 0.564, (r - luma) * 0.713], -1)


_MARKER_CHROMA = np.array([_chroma(np.array(marker.color)) for marker in MARKERS], float)


def find_markers(image: Image, view: View, near: Floats | None = None) -> Floats:
    """Return the markers' centres in a picture, (n, 2) [pixels]; NaN where not seen whole.

    Args:
        image: HWC, rgb.
        view: how the picture was taken.
        near: angles near the true ones [rad], to search only there; without them each
            marker is looked for in all of the picture.
    """
    if view.rides:
        raise ValueError('angles can only be measured by a camera that stands still')
    guess = _FIRST_GUESS if near is None or np.isnan(near).any() else near
    pixels, depths = view.project_with_depth(forward_kinematics(guess))
    radii = MARKER_RADIUS * view.focal / depths
    if near is None:
        chroma = _chroma(image)
        pairs = zip(_MARKER_CHROMA, radii, strict=True)
        pixels = np.array([_brightest(chroma, own, radius) for own, radius in pairs])
    centres = zip(_MARKER_CHROMA, pixels, radii, strict=True)
    return np.array([_centroid(image, own, start, radius) for own, start, radius in centres])


def measure_joints(
    images: Image | Sequence[Image],
    views: View | Sequence[View],
    near: Floats | None = None,
    shift: Floats = _NO_SHIFT,
) -> Floats:
    """Return all six joint angles of the arm in one or more pictures of one moment [rad].

    Args:
        images: HWC, rgb; one, or several from different cameras.
        views: how each was taken.
        near: angles near the true ones [rad], such as those of the picture before.
        shift: by how much coding has moved colours, see ``color_shift`` [pixels].

    Returns:
        Six angles in the order of ``JOINTS``; NaN where too few markers are seen.
    """
    pictures = [images] if isinstance(images, np.ndarray) else list(images)
    cameras = [views] if isinstance(views, View) else list(views)
    found = [find_markers(p, v, near) - shift for p, v in zip(pictures, cameras, strict=True)]
    angles = _fit(found, cameras, _FIRST_GUESS if near is None else near)
    if near is None and np.isfinite(angles).all():
        return measure_joints(pictures, cameras, angles, shift)
    return angles


def measure_angles(images: Image | Sequence[Image], view: View | Sequence[View]) -> Floats:
    """Return the angles of the five joints before the gripper [rad]; see ``measure_joints``."""
    return measure_joints(images, view)[:5]


def measure_film(frames: Iterable[Image], view: View) -> Floats:
    """Return the six joint angles in every picture of a film, (n, 6) [rad].

    A constant shift of colours against the pinhole is measured too, and taken out.
    """
    found: list[Floats] = []
    angles: list[Floats] = []
    for frame in frames:
        near = _expected(angles)
        if near is None:
            near = measure_joints(frame, view)
        centres = find_markers(frame, view, near)
        found.append(centres)
        angles.append(_fit([centres], [view], near))
    shift = _NO_SHIFT
    for _ in range(3):
        shift = shift + color_shift([c - shift for c in found], angles, view)
        starts = [_FIRST_GUESS if np.isnan(a).any() else a for a in angles]
        pairs = zip(found, starts, strict=True)
        angles = [_fit([centres - shift], [view], start) for centres, start in pairs]
    return np.array(angles)


def color_shift(found: Sequence[Floats], angles: Sequence[Floats], view: View) -> Floats:
    """Return the shift common to all markers that no motion of the arm explains [pixels].

    Halved colour resolution moves colours by up to half a pixel when one converter takes
    the upper left pixel's and another one spreads it over all four.

    Args:
        found: centres of the markers in each picture (n, 2) [pixels].
        angles: the six angles fitted to each [rad].
        view: how all were taken.
    """
    normal, rest = 1e-9 * np.eye(2), np.zeros(2)
    for centres, fitted in zip(found, angles, strict=True):
        used = np.isfinite(centres.ravel())
        if np.isnan(fitted).any() or used.sum() < _FEWEST_VALUES:
            continue
        jacobian = _jacobian(fitted, [view])[used]
        q, _ = np.linalg.qr(jacobian)
        common = np.tile(np.eye(2), (len(centres), 1))[used]
        common -= q @ (q.T @ common)
        residual = centres.ravel()[used] - _predicted(fitted, [view])[used]
        weight = 1.0 / np.maximum(np.abs(residual), _HUBER_PIXELS)[:, None]
        normal += common.T @ (weight * common)
        rest += common.T @ (weight[:, 0] * residual)
    return np.asarray(np.linalg.solve(normal, rest))


def time_offset(stamps_s: Floats, measured: Floats, times_s: Floats, truth: Floats) -> float:
    """Return by how much pictures are later than their stamps say, by least squares [s].

    Args:
        stamps_s: claimed time of each picture (n) [s].
        measured: angles in the pictures (n, k) [rad].
        times_s: times of the reference, dense (m) [s].
        truth: reference angles (m, k) [rad].
    """
    offset = 0.0
    good = np.isfinite(measured).all(1)
    for _ in range(8):
        at = stamps_s[good] + offset
        speed = _interpolated(at + 1e-3, times_s, truth) - _interpolated(at - 1e-3, times_s, truth)
        speed /= 2e-3
        error = measured[good] - _interpolated(at, times_s, truth)
        error -= np.median(error, 0)
        weight = np.minimum(1.0, 0.01 / np.maximum(np.abs(error), 1e-9))
        offset += float((weight * speed * error).sum() / (weight * speed**2).sum())
    return offset


def _interpolated(at: Floats, times_s: Floats, values: Floats) -> Floats:
    return np.column_stack([np.interp(at, times_s, column) for column in values.T])


def _brightest(chroma: Floats, own: Floats, radius: float) -> Floats:
    """Return where a marker's colour is densest [pixels]."""
    share = _share(chroma, own).astype(np.float32)
    size = max(int(radius), 1) * 2 + 1
    _, _, _, place = cv2.minMaxLoc(cv2.blur(share, (size, size)))
    return np.array(place, float)


def _share(chroma: Floats, own: Floats) -> Floats:
    """Return how much of a marker's colour is in each pixel, 0..1; other hues are 0."""
    strength = np.linalg.norm(own)
    along = chroma @ (own / strength)
    share = np.clip(along / strength, 0.0, 1.0)
    share[along < _HUE_COSINE * np.linalg.norm(chroma, axis=-1)] = 0.0
    share[share < _CHROMA_FLOOR] = 0.0
    return share


def _centroid(image: Image, own: Floats, start: Floats, radius: float) -> Floats:
    """Return the centre of gravity of a marker's colour around a place, or NaN."""
    centre = np.array(start, float)
    reach = _WINDOW_RADII * radius
    height, width = image.shape[:2]
    weight = 0.0
    for _ in range(8):
        x0, y0 = np.floor(centre - reach).astype(int)
        x1, y1 = np.ceil(centre + reach).astype(int) + 1
        if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
            return np.full(2, np.nan)
        share = _share(_chroma(image[y0:y1, x0:x1]), own)
        weight = float(share.sum())
        if weight < 1.0:
            return np.full(2, np.nan)
        xs, ys = np.arange(x0, x1), np.arange(y0, y1)
        moved = np.array([share.sum(0) @ xs, share.sum(1) @ ys]) / weight
        still = np.abs(moved - centre).max() < 0.02
        centre = moved
        if still:
            break
    low, high = _AREA_RANGE
    whole = low <= weight / (np.pi * radius**2) <= high
    return centre if whole else np.full(2, np.nan)


def _expected(angles: Sequence[Floats]) -> Floats | None:
    """Return where the arm should be after these pictures, moving on as it did."""
    if not angles or np.isnan(angles[-1]).any():
        return None
    if len(angles) < 2 or np.isnan(angles[-2]).any():
        return angles[-1]
    return np.clip(2.0 * angles[-1] - angles[-2], _LOWER, _UPPER)


def _fit(found: list[Floats], views: list[View], start: Floats) -> Floats:
    """Return the angles that put the markers where they were found (Gauss-Newton), or NaN."""
    angles = np.array(start, float)
    target = np.concatenate(found).ravel()
    used = np.isfinite(target)
    if used.sum() < _FEWEST_VALUES or np.isnan(angles).any():
        return np.full(len(angles), np.nan)
    for _ in range(_ITERATIONS):
        residual = target[used] - _predicted(angles, views)[used]
        jacobian = _jacobian(angles, views)[used]
        weight = np.minimum(1.0, _HUBER_PIXELS / np.maximum(np.abs(residual), 1e-9))
        normal = jacobian.T @ (weight[:, None] * jacobian) + _PRIOR * np.eye(len(angles))
        change = np.linalg.solve(normal, jacobian.T @ (weight * residual))
        angles = np.clip(angles + np.clip(change, -0.4, 0.4), _LOWER, _UPPER)
        if np.abs(change).max() < 1e-5:
            break
    return angles


def _predicted(angles: Floats, views: list[View]) -> Floats:
    points = forward_kinematics(angles)
    return np.concatenate([view.project(points).ravel() for view in views])


def _jacobian(angles: Floats, views: list[View]) -> Floats:
    """Return how the markers' pixels change with the angles, rows as ``_predicted``."""
    poses = np.stack(link_poses(angles))
    axes, origins = poses[1:, :3, 2], poses[1:, :3, 3]
    points = forward_kinematics(angles)
    turned = np.cross(axes, points[:, None] - origins)
    turned[_LINKS[:, None] <= np.arange(len(JOINTS))] = 0.0
    return np.concatenate([_image_motion(view, points, turned) for view in views])


def _image_motion(view: View, points: Floats, motion: Floats) -> Floats:
    """Return pixels per unit of motion (n, k, 3) of points (n, 3), as (2 n, k)."""
    _, depth = view.project_with_depth(points)
    pixels = (view.project(points) - view.centre) / view.focal
    seen = motion @ view.rotation.T
    moved = seen[..., :2] - pixels[:, None] * seen[..., 2:]
    moved *= view.focal / depth[:, None, None]
    return np.asarray(moved.transpose(0, 2, 1).reshape(-1, motion.shape[1]))


def coded(frames: Sequence[Image], crf: int, fps: int) -> Iterator[Image]:
    """Yield pictures after H.264 coding at preset ultrafast, as a recorder stores them."""
    height, width = frames[0].shape[:2]
    store = io.BytesIO()
    with av.open(store, 'w', format='mp4') as out:
        options = {'preset': 'ultrafast', 'crf': str(crf), 'g': '2', 'bf': '0'}
        stream = out.add_stream('libx264', rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        for frame in frames:
            planes = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format='yuv420p')))
        out.mux(stream.encode())
    store.seek(0)
    with av.open(store) as source:
        for picture in source.decode(video=0):
            yield picture.to_ndarray(format='rgb24')


def _draw_film(view: View, stamps: Floats) -> tuple[list[Image], ScriptedOperator]:
    operator, renderer = ScriptedOperator(1), Renderer(view)
    frames = []
    for stamp in stamps:
        image = np.empty((view.height, view.width, 3), np.uint8)
        renderer.draw(image, [Body(SO101, operator.state(stamp)[0], np.eye(4))])
        frames.append(image)
    return frames, operator


def _report(view_name: str, seconds: float, crf: int) -> None:
    fps, view = 30, View.named(view_name, 640, 480)
    stamps = np.arange(round(seconds * fps)) / fps + 0.0117
    frames, operator = _draw_film(view, stamps)
    measured = measure_film(coded(frames, crf, fps), view)
    error = np.abs(measured - np.array([operator.state(stamp)[0] for stamp in stamps])) * 1e3
    times = np.arange(-0.5, seconds + 0.5, 1e-3)
    truth = np.array([operator.state(time)[0] for time in times])[:, :5]
    windows = [slice(i, i + 4 * fps) for i in range(0, len(stamps), 4 * fps)]
    wrong = [
        1e3 * (time_offset(stamps[part] - shift, measured[part, :5], times, truth) - shift)
        for shift in (0.0, 0.002)
        for part in windows
    ]
    print(f'{view_name} crf {crf}: {len(stamps)} pictures, {np.isnan(error[:, 0]).sum()} without')
    print('  |error| [mrad]: median', np.nanmedian(error, 0).round(2), end=' ')
    print('99 %', np.nanpercentile(error, 99, 0).round(1))
    median, worst = np.median(np.abs(wrong)), np.abs(wrong).max()
    print(f'  time offset from 4 s of film: error median {median:.2f} ms, worst {worst:.2f} ms')


def main() -> int:
    """Report angles and times measured in coded films of two views."""
    cv2.setNumThreads(1)
    for view_name in ('front', 'side'):
        for crf in (21, 23):
            _report(view_name, 24.0, crf)
    return 0


if __name__ == '__main__':
    sys.exit(main())
