"""The function that XLA calls, in LLVM's language: it finds the arrays, asks for threads, and waits for them.

It is written after the header `c_api.h` of XLA's foreign function interface, which comes with jaxlib.
"""

import functools
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import jax

from jaxenvs.fusion.kernel import Kernel

# Offsets, in bytes, in the structures of XLA's header `c_api.h`.
FRAME = {"extension": 8, "api": 16, "context": 24, "arguments": 72, "results": 112, "attributes": 160}
BUFFER_DATA, _SCALAR_VALUE = 24, 8
_EXTENSION_IS_METADATA, _EXTENSION_TYPE, _EXTENSION_METADATA = 1, 8, 24
_FIRST_FUNCTION = 48
# The functions of the header that this was written after, in order; used if the header cannot be read.
_FUNCTIONS = (
    "Error_Create", "Error_GetMessage", "Error_Destroy", "Handler_Register", "Stream_Get", "Type_Register",
    "ExecutionContext_Get", "State_Set", "State_Get", "DeviceMemory_Allocate", "DeviceMemory_Free",
    "ThreadPool_Schedule", "ThreadPool_NumThreads",
)  # fmt: skip
_VERSION = 0, 3

# What every handler begins with: it says its version if it is asked, else it finds what it is given.
ENTRY = """define ptr @handler(ptr %frame) #0 {{
entry:
  %extension_at = getelementptr i8, ptr %frame, i64 {extension}
  %extension = load ptr, ptr %extension_at
  %none = icmp eq ptr %extension, null
  br i1 %none, label %call, label %maybe
maybe:
  %type_at = getelementptr i8, ptr %extension, i64 {extension_type}
  %type = load i32, ptr %type_at
  %asks = icmp eq i32 %type, {is_metadata}
  br i1 %asks, label %describe, label %call
describe:
  %metadata_at = getelementptr i8, ptr %extension, i64 {extension_metadata}
  %metadata = load ptr, ptr %metadata_at
  %size_at = getelementptr i8, ptr %metadata, i64 8
  store i64 24, ptr %size_at
  %chain_at = getelementptr i8, ptr %metadata, i64 16
  store ptr null, ptr %chain_at
  %major_at = getelementptr i8, ptr %metadata, i64 24
  store i32 {major}, ptr %major_at
  %minor_at = getelementptr i8, ptr %metadata, i64 28
  store i32 {minor}, ptr %minor_at
  %traits_at = getelementptr i8, ptr %metadata, i64 32
  store i32 0, ptr %traits_at
  ret ptr null
call:
  %arguments_at = getelementptr i8, ptr %frame, i64 {arguments}
  %arguments = load ptr, ptr %arguments_at
  %results_at = getelementptr i8, ptr %frame, i64 {results}
  %results = load ptr, ptr %results_at
  %attributes_at = getelementptr i8, ptr %frame, i64 {attributes}
  %attributes = load ptr, ptr %attributes_at
  %lanes_scalar = load ptr, ptr %attributes
  %lanes_value_at = getelementptr i8, ptr %lanes_scalar, i64 {scalar_value}
  %lanes_at = load ptr, ptr %lanes_value_at
  %lanes = load i64, ptr %lanes_at
  %steps_attribute = getelementptr i8, ptr %attributes, i64 8
  %steps_scalar = load ptr, ptr %steps_attribute
  %steps_value_at = getelementptr i8, ptr %steps_scalar, i64 {scalar_value}
  %steps_at = load ptr, ptr %steps_value_at
  %steps = load i64, ptr %steps_at
"""

# What functions are declared with; and `!0`, which says of a store that it need not go through the caches.
_ATTRIBUTES = '!0 = !{i32 1}\nattributes #0 = { nounwind "min-legal-vector-width"="512" "prefer-vector-width"="512" }\n'

_HANDLER = (
    """
declare ptr @malloc(i64)
declare void @free(ptr)
declare i32 @sched_yield()
declare i32 @madvise(ptr, i64, i32)

; What one call shares: inputs, outputs, lanes, steps, blocks, blocks begun, blocks done, users, threads asked for.
; The blocks are divided into as many ranges as there are threads, and taken from each range in turn. So threads work
; far from each other: on neighbouring blocks, each would fetch ahead what the other writes.
define internal void @work(ptr %context) #0 {{
entry:
  %workspace = call ptr @malloc(i64 {workspace})
  %aligned0 = ptrtoint ptr %workspace to i64
  %aligned1 = add i64 %aligned0, 63
  %aligned2 = and i64 %aligned1, -64
  %aligned = inttoptr i64 %aligned2 to ptr
  %blocks_at = getelementptr i8, ptr %context, i64 32
  %blocks = load i64, ptr %blocks_at
  %next_at = getelementptr i8, ptr %context, i64 40
  %done_at = getelementptr i8, ptr %context, i64 48
  %threads_at = getelementptr i8, ptr %context, i64 64
  %threads = load i64, ptr %threads_at
  %each = udiv i64 %blocks, %threads
  %longer = urem i64 %blocks, %threads
  br label %take
take:
  %number = atomicrmw add ptr %next_at, i64 1 seq_cst
  %left = icmp ult i64 %number, %blocks
  br i1 %left, label %one, label %leave
one:
  %range = urem i64 %number, %threads
  %place = udiv i64 %number, %threads
  %is_longer = icmp ult i64 %range, %longer
  %longer_before = select i1 %is_longer, i64 %range, i64 %longer
  %shortest_before = mul i64 %range, %each
  %before = add i64 %shortest_before, %longer_before
  %block = add i64 %before, %place
  call void @task(ptr %context, i64 %block, ptr %aligned)
  %ignored = atomicrmw add ptr %done_at, i64 1 seq_cst
  br label %take
leave:
  call void @free(ptr %workspace)
  ret void
}}

; Asks for large pages where memory fills them, so that the first write to it does not stop at each 4 KiB.
define internal void @advise(ptr %data, i64 %bytes) #0 {{
entry:
  %begin = ptrtoint ptr %data to i64
  %after = add i64 %begin, %bytes
  %raised = add i64 %begin, 2097151
  %first = and i64 %raised, -2097152
  %last = and i64 %after, -2097152
  %fills_some = icmp ugt i64 %last, %first
  %use = and i1 %fills_some, {has_large_pages}
  br i1 %use, label %ask, label %end
ask:
  %length = sub i64 %last, %first
  %at = inttoptr i64 %first to ptr
  %ignored = call i32 @madvise(ptr %at, i64 %length, i32 14)
  br label %end
end:
  ret void
}}

define internal void @drop(ptr %context) #0 {{
entry:
  %users_at = getelementptr i8, ptr %context, i64 56
  %users = atomicrmw sub ptr %users_at, i64 1 seq_cst
  %last = icmp eq i64 %users, 1
  br i1 %last, label %free, label %end
free:
  call void @free(ptr %context)
  br label %end
end:
  ret void
}}

; Frees an error of XLA's: the work is then done by fewer threads.
define internal void @forget(ptr %api, ptr %error) #0 {{
entry:
  %arguments = alloca [3 x i64]
  store i64 24, ptr %arguments
  %extension = getelementptr i8, ptr %arguments, i64 8
  store i64 0, ptr %extension
  %error_at = getelementptr i8, ptr %arguments, i64 16
  store ptr %error, ptr %error_at
  %function_at = getelementptr i8, ptr %api, i64 {error_destroy}
  %function = load ptr, ptr %function_at
  call void %function(ptr %arguments)
  ret void
}}

define internal void @help(ptr %context) #0 {{
entry:
  call void @work(ptr %context)
  call void @drop(ptr %context)
  ret void
}}

"""
    + ENTRY
    + """\
  %context = call ptr @malloc(i64 {context_bytes})
  %inputs = getelementptr i8, ptr %context, i64 128
  %outputs = getelementptr i8, ptr %context, i64 {outputs_offset}
{copies}
{advice}
  %full = udiv i64 %lanes, {block_lanes}
  %rest = urem i64 %lanes, {block_lanes}
  %groups = udiv i64 %rest, {group}
  %has_groups = icmp ne i64 %groups, 0
  %odd = urem i64 %rest, {group}
  %has_odd = icmp ne i64 %odd, 0
  %one_more = zext i1 %has_groups to i64
  %two_more = zext i1 %has_odd to i64
  %some = add i64 %full, %one_more
  %blocks = add i64 %some, %two_more
  store ptr %inputs, ptr %context
  %o_at = getelementptr i8, ptr %context, i64 8
  store ptr %outputs, ptr %o_at
  %l_at = getelementptr i8, ptr %context, i64 16
  store i64 %lanes, ptr %l_at
  %s_at = getelementptr i8, ptr %context, i64 24
  store i64 %steps, ptr %s_at
  %b_at = getelementptr i8, ptr %context, i64 32
  store i64 %blocks, ptr %b_at
  %n_at = getelementptr i8, ptr %context, i64 40
  store i64 0, ptr %n_at
  %d_at = getelementptr i8, ptr %context, i64 48
  store i64 0, ptr %d_at
  %u_at = getelementptr i8, ptr %context, i64 56
  store i64 1, ptr %u_at
  %t_at = getelementptr i8, ptr %context, i64 64
  store i64 1, ptr %t_at
  %api_at = getelementptr i8, ptr %frame, i64 {api}
  %api = load ptr, ptr %api_at
  %execution_at = getelementptr i8, ptr %frame, i64 {context}
  %execution = load ptr, ptr %execution_at
  %threads_at = alloca i64
  store i64 1, ptr %threads_at
  %ask = alloca [4 x i64]
  store i64 32, ptr %ask
  %ask1 = getelementptr i8, ptr %ask, i64 8
  store i64 0, ptr %ask1
  %ask2 = getelementptr i8, ptr %ask, i64 16
  store ptr %execution, ptr %ask2
  %ask3 = getelementptr i8, ptr %ask, i64 24
  store ptr %threads_at, ptr %ask3
  %count_function_at = getelementptr i8, ptr %api, i64 {num_threads}
  %count_function = load ptr, ptr %count_function_at
  %count_error = call ptr %count_function(ptr %ask)
  %counted = icmp eq ptr %count_error, null
  br i1 %counted, label %schedule_all, label %not_counted
not_counted:
  call void @forget(ptr %api, ptr %count_error)
  br label %begin
schedule_all:
  %threads = load i64, ptr %threads_at
  %fewer = icmp ult i64 %threads, %blocks
  %all_busy = select i1 %fewer, i64 %threads, i64 %blocks
  %some_busy = icmp ne i64 %all_busy, 0
  %workers = select i1 %some_busy, i64 %all_busy, i64 1
  store i64 %workers, ptr %t_at
  %schedule_function_at = getelementptr i8, ptr %api, i64 {schedule}
  %schedule_function = load ptr, ptr %schedule_function_at
  %task_args = alloca [5 x i64]
  store i64 40, ptr %task_args
  %task1 = getelementptr i8, ptr %task_args, i64 8
  store i64 0, ptr %task1
  %task2 = getelementptr i8, ptr %task_args, i64 16
  store ptr %execution, ptr %task2
  %task3 = getelementptr i8, ptr %task_args, i64 24
  store ptr @help, ptr %task3
  %task4 = getelementptr i8, ptr %task_args, i64 32
  store ptr %context, ptr %task4
  br label %schedule
schedule:
  %worker = phi i64 [ 1, %schedule_all ], [ %following, %scheduled ]
  %more = icmp ult i64 %worker, %workers
  br i1 %more, label %one_task, label %begin
one_task:
  %ignored = atomicrmw add ptr %u_at, i64 1 seq_cst
  %error = call ptr %schedule_function(ptr %task_args)
  %fine = icmp eq ptr %error, null
  br i1 %fine, label %scheduled, label %refused
refused:
  %back = atomicrmw sub ptr %u_at, i64 1 seq_cst
  call void @forget(ptr %api, ptr %error)
  br label %begin
scheduled:
  %following = add i64 %worker, 1
  br label %schedule
begin:
  call void @work(ptr %context)
  br label %wait
wait:
  %done = load atomic i64, ptr %d_at seq_cst, align 8
  %finished = icmp uge i64 %done, %blocks
  br i1 %finished, label %end, label %again
again:
  %yielded = call i32 @sched_yield()
  br label %wait
end:
  call void @drop(ptr %context)
  ret ptr null
}}

"""
    + _ATTRIBUTES.replace("{", "{{").replace("}", "}}")
)


@functools.cache
def interface() -> tuple[dict[str, int], tuple[int, int]]:
    """Offsets of the interface's functions, and its version, from the header that comes with jaxlib."""
    names, version = list(_FUNCTIONS), _VERSION
    header = Path(jax.ffi.include_dir()) / "xla" / "ffi" / "api" / "c_api.h"
    if header.exists():
        text = header.read_text()
        found = re.findall(r"_XLA_FFI_API_STRUCT_FIELD\(XLA_FFI_(\w+)\);", text)
        numbers = re.findall(r"#define XLA_FFI_API_(?:MAJOR|MINOR) (\d+)", text)
        if found and len(numbers) == 2:
            names, version = found, (int(numbers[0]), int(numbers[1]))
    return {name: _FIRST_FUNCTION + 8 * number for number, name in enumerate(names)}, version


def entry_values() -> dict[str, int]:
    """What stands in the braces of `ENTRY`."""
    _, (major, minor) = interface()
    return FRAME | {
        "extension_type": _EXTENSION_TYPE,
        "is_metadata": _EXTENSION_IS_METADATA,
        "extension_metadata": _EXTENSION_METADATA,
        "scalar_value": _SCALAR_VALUE,
        "major": major,
        "minor": minor,
    }


def of_task(kernel: Kernel, num_inputs: int, put_out: Sequence[int], num_carried: int, group: int) -> str:
    """The module of a kernel's task, in LLVM's language, with `@handler`.

    Args:
        kernel: its task.
        num_inputs: how many arrays it reads.
        put_out: bytes of one lane, and of one step if it is not carried, of each array that it writes.
        num_carried: how many of those are carried, which come first.
        group: lanes of a group.
    """
    functions, _ = interface()
    num_outputs = len(put_out)
    advice = ["  %all_rows = mul i64 %lanes, %steps"]
    for k, size in enumerate(put_out):
        rows = "%lanes" if k < num_carried else "%all_rows"
        advice += [
            f"  %bytes_{k} = mul i64 {rows}, {size}",
            f"  call void @advise(ptr %outputs_data_{k}, i64 %bytes_{k})",
        ]
    outputs_offset = 128 + 8 * num_inputs
    copies = []
    for name, count in (("inputs", num_inputs), ("outputs", num_outputs)):
        source = "arguments" if name == "inputs" else "results"
        for k in range(count):
            at, data = f"%{name}_{k}", f"%{name}_data_{k}"
            copies += [
                f"  {at}_from = getelementptr i8, ptr %{source}, i64 {8 * k}",
                f"  {at}_buffer = load ptr, ptr {at}_from",
                f"  {data}_at = getelementptr i8, ptr {at}_buffer, i64 {BUFFER_DATA}",
                f"  {data} = load ptr, ptr {data}_at",
                f"  {at}_to = getelementptr i8, ptr %{name}, i64 {8 * k}",
                f"  store ptr {data}, ptr {at}_to",
            ]
    handler = _HANDLER.format(
        **entry_values(),
        workspace=kernel.workspace + 64,
        context_bytes=outputs_offset + 8 * num_outputs,
        outputs_offset=outputs_offset,
        copies="\n".join(copies),
        advice="\n".join(advice),
        has_large_pages=str(sys.platform == "linux").lower(),
        block_lanes=kernel.block_lanes,
        group=group,
        num_threads=functions["ThreadPool_NumThreads"],
        schedule=functions["ThreadPool_Schedule"],
        error_destroy=functions["Error_Destroy"],
    )
    return kernel.task + handler


def of_part(part: str) -> str:
    """The module of a part of a kernel."""
    return part + _ATTRIBUTES
