"""The parts of the package tensorboard that are used, in one place since importing them takes a moment."""

from tensorboard.compat.proto.event_pb2 import Event as Event
from tensorboard.compat.proto.event_pb2 import SessionLog as SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary as Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto as TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto as TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_STRING as DT_STRING
from tensorboard.plugins.text.metadata import create_summary_metadata as create_summary_metadata
from tensorboard.summary.writer.record_writer import RecordWriter as RecordWriter
