"""The parts of the package tensorboard that are used, in one place since importing them takes a moment.

Type checkers do not see what is in the modules of messages, which are made when they are imported.
"""

from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.text.metadata import create_summary_metadata as create_summary_metadata
from tensorboard.summary.writer.record_writer import RecordWriter as RecordWriter

_event: Any = event_pb2
_summary: Any = summary_pb2
_tensor: Any = tensor_pb2
_shape: Any = tensor_shape_pb2
_types: Any = types_pb2

Event = _event.Event
SessionLog = _event.SessionLog
Summary = _summary.Summary
TensorProto = _tensor.TensorProto
TensorShapeProto = _shape.TensorShapeProto
DT_STRING = _types.DT_STRING
