"""Feature entries of info.json: what they may be, and how their values are stored in Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lerobot_drivers.common.errors import DatasetFormatError
from lerobot_recorder.dataset.depth_codes import PER_METRE

Feature = Mapping[str, Any]
Features = Mapping[str, Feature]

#: Appended by the writer to every dataset, in this order.
DEFAULT_FEATURES: dict[str, dict[str, Any]] = {
    'timestamp': {'dtype': 'float32', 'shape': [1], 'names': None},
    'frame_index': {'dtype': 'int64', 'shape': [1], 'names': None},
    'episode_index': {'dtype': 'int64', 'shape': [1], 'names': None},
    'index': {'dtype': 'int64', 'shape': [1], 'names': None},
    'task_index': {'dtype': 'int64', 'shape': [1], 'names': None},
}
_NUMBERS = {
    'float16', 'float32', 'float64', 'bool',
    'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64',
}  # fmt: skip
_PICTURES = {'video', 'image'}
_KEYS = {'dtype', 'shape', 'names', 'info', 'fps', 'description'}
#: Of an image in a data file.
IMAGE_TYPE = pa.struct([('bytes', pa.binary()), ('path', pa.string())])


def is_video(feature: Feature) -> bool:
    """Return whether the feature's values live in MP4 files."""
    return bool(feature['dtype'] == 'video')


def is_picture(feature: Feature) -> bool:
    """Return whether the feature is a camera, as video or as images in Parquet."""
    return feature['dtype'] in _PICTURES


def is_depth(feature: Feature) -> bool:
    """Return whether the feature is a depth camera, in the words of any LeRobot version."""
    blocks = [feature.get('info') or {}, feature.get('video_info') or {}]
    marks = ('is_depth_map', 'video.is_depth_map')
    return is_picture(feature) and any(bool(b.get(mark)) for b in blocks for mark in marks)


def is_number(feature: Feature) -> bool:
    """Return whether the feature holds numbers (a bool counts as one)."""
    return feature['dtype'] in _NUMBERS


def shape_of(feature: Feature) -> tuple[int, ...]:
    """Return the shape of one value."""
    return tuple(int(size) for size in feature['shape'])


def size_of(feature: Feature) -> tuple[int, int]:
    """Return height and width of a camera feature [px]."""
    height, width, _ = shape_of(feature)
    return height, width


def video_keys(features: Features) -> list[str]:
    """Return the names of the video features, in order."""
    return [key for key, feature in features.items() if is_video(feature)]


def picture_keys(features: Features) -> list[str]:
    """Return the names of the camera features, in order."""
    return [key for key, feature in features.items() if is_picture(feature)]


def number_keys(features: Features) -> list[str]:
    """Return the names of the numeric features, in order."""
    return [key for key, feature in features.items() if is_number(feature)]


def user_features(features: Features) -> dict[str, Feature]:
    """Return the features without the five that every dataset has."""
    return {key: feature for key, feature in features.items() if key not in DEFAULT_FEATURES}


def normalized(features: Features) -> dict[str, dict[str, Any]]:
    """Return the entries as JSON would give them back, without `info`; for comparing."""
    return {
        key: {
            'dtype': feature.get('dtype'),
            'shape': list(feature.get('shape') or ()),
            'names': _plain(feature.get('names')),
        }
        for key, feature in features.items()
    }


def check_features(features: Features) -> None:
    """Check that a new dataset can have these features.

    Raises:
        DatasetFormatError: one of them cannot be written; says which and why.
    """
    if not features:
        raise DatasetFormatError('a dataset needs at least one feature')
    for key, feature in features.items():
        problem = feature_problem(key, feature)
        if problem:
            raise DatasetFormatError(f'feature {key!r}: {problem}')


def entry_problem(feature: Any) -> str | None:
    """Return why an entry of info.json cannot be understood, None if it can."""
    if not isinstance(feature, Mapping):
        return f'is {feature!r}, expected an object with dtype, shape and names'
    missing = [key for key in ('dtype', 'shape') if key not in feature]
    if missing:
        return f'lacks {" and ".join(missing)}'
    shape = feature['shape']
    if not isinstance(feature['dtype'], str):
        return f'has dtype {feature["dtype"]!r}, expected its name'
    if not isinstance(shape, list | tuple) or any(
        isinstance(size, bool) or not isinstance(size, int) or not 0 < size < 2**31
        for size in shape
    ):
        return f'has shape {shape!r}, expected a list of whole numbers above 0'
    if is_picture(feature) and len(shape) != 3:
        return f'has shape {shape!r}, expected height, width and channels'
    if not isinstance(feature.get('info') or {}, Mapping):
        return f'has info {feature["info"]!r}, expected an object'
    return None


def feature_problem(key: str, feature: Feature) -> str | None:
    """Return why a new dataset cannot have this feature, None if it can."""
    if not key or '/' in key:
        return 'LeRobot refuses names that are empty or hold "/"; use "."'
    if key in DEFAULT_FEATURES:
        return 'is one of the five features that the writer adds itself'
    unknown = set(feature) - _KEYS
    if unknown:
        return f'unknown keys {sorted(unknown)} make merging with other datasets fail'
    if is_picture(feature):
        return _picture_problem(feature)
    return _column_problem(feature)


def arrow_type(feature: Feature) -> pa.DataType:
    """Return the Parquet type of one value, as LeRobot's own writer chooses it."""
    if feature['dtype'] == 'image':
        return IMAGE_TYPE
    if feature['dtype'] == 'string':
        return pa.string()
    value = pa.from_numpy_dtype(np.dtype(feature['dtype']))
    shape = shape_of(feature)
    if shape == (1,):
        return value
    if len(shape) == 1:
        return pa.list_(pa.field('element', value), shape[0])
    for _ in shape:
        value = pa.list_(value)
    return value


def arrow_schema(features: Features) -> pa.Schema:
    """Return the schema of the data files: every feature that is no video, in order."""
    return pa.schema([(k, arrow_type(f)) for k, f in features.items() if not is_video(f)])


def to_arrow(
    values: NDArray[Any] | list[Any] | pa.ChunkedArray, feature: Feature
) -> pa.Array | pa.ChunkedArray:
    """Return the values of many frames as an Arrow array.

    Args:
        values: Shape (frames, *shape), or (frames,) where shape is (1,); a list for strings
            and images; what is an Arrow column already stays as it is.
        feature: Their entry.
    """
    if isinstance(values, pa.ChunkedArray):
        return values
    kind = arrow_type(feature)
    if not is_number(feature):
        return pa.array(values, type=kind)
    array = np.ascontiguousarray(values)
    shape = shape_of(feature)
    flat = pa.array(array.reshape(-1))
    if shape == (1,):
        return flat
    if len(shape) == 1:
        return pa.FixedSizeListArray.from_arrays(flat, type=kind)
    for size in reversed(shape):
        offsets = np.arange(0, len(flat) + 1, size, dtype=np.int32)
        flat = pa.ListArray.from_arrays(offsets, flat)
    return flat.cast(kind)


def to_numpy(column: pa.ChunkedArray, feature: Feature) -> NDArray[Any]:
    """Return a column as an array of shape (frames, *shape), (frames,) where shape is (1,).

    Raises:
        DatasetFormatError: the column holds nulls or rows of another size.
    """
    if not is_number(feature):
        return np.array(column.to_pylist(), dtype=object)
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    nulls = array.null_count
    while pa.types.is_list(array.type) or pa.types.is_fixed_size_list(array.type):
        array = array.flatten()
        nulls += array.null_count
    if nulls:
        raise DatasetFormatError(f'{nulls} missing values (nulls)')
    shape = shape_of(feature)
    tail = () if shape == (1,) else shape
    flat = array.to_numpy(zero_copy_only=False).astype(feature['dtype'], copy=False)
    if flat.size != len(column) * int(np.prod(tail, dtype=int)):
        raise DatasetFormatError(f'{flat.size} values in {len(column)} rows of shape {shape}')
    return np.asarray(flat.reshape(len(column), *tail))


def _picture_problem(feature: Feature) -> str | None:
    shape, channels = shape_of(feature), 1 if is_depth(feature) else 3
    if len(shape) != 3 or shape[2] != channels or min(shape) < 1:
        return f'a camera has shape (height, width, {channels}), got {shape}'
    unit = (feature.get('info') or {}).get('depth_unit')
    if is_depth(feature) and unit not in PER_METRE:
        return f'info.depth_unit is {unit!r}, expected one of {sorted(PER_METRE)}'
    return None


def _column_problem(feature: Feature) -> str | None:
    dtype, shape = feature['dtype'], shape_of(feature)
    if dtype != 'string' and dtype not in _NUMBERS:
        return f'dtype {dtype!r} is not known; use video, image, string, {sorted(_NUMBERS)}'
    if not 1 <= len(shape) <= 5 or min(shape) < 1:
        return f'shape {shape} must have one to five positive sizes'
    if dtype == 'string' and shape != (1,):
        return f'a string has shape (1,), got {shape}'
    names = feature.get('names')
    if len(shape) == 1 and isinstance(names, (list, tuple)) and len(names) != shape[0]:
        return f'{len(names)} names for {shape[0]} values'
    return None


def _plain(names: Any) -> Any:
    return list(names) if isinstance(names, tuple) else names
