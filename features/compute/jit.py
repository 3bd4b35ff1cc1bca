"""How kernels are compiled, and two processor instructions that numba has no functions for.

One decorator makes every kernel, so that all of them keep the same promises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def kernel(function: Kernel) -> Kernel:
    """Compile for this machine, once, and keep the result on disk.

    Without fast maths and without threads: sums are made in the order written, so the same rows
    give the same bits in a batch, a request and a partition. Jitted and plain Python runs of the
    same kernel may differ in the last bit; never mix them.
    """
    kernel: Kernel = njit(cache=True, nogil=True)(function)
    return kernel


def inline_kernel(function: Kernel) -> Kernel:
    """As :func:`kernel`, for a small function that kernels call for every row.

    Its code is inlined: a call of its own would count references to each array that it is given,
    which takes longer than the work itself.
    """
    kernel: Kernel = njit(cache=True, nogil=True, forceinline=True)(function)
    return kernel


Instruction = tuple[Any, Callable[..., Any]]
"""A signature and a code generator, as numba's ``intrinsic`` takes them."""


BYTE, WORD = ir.IntType(8).as_pointer(), ir.IntType(64).as_pointer()


INT32 = ir.IntType(32)


TO_READ, ALL_CACHES, DATA = INT32(0), INT32(3), INT32(1)
"""The arguments of ``llvm.prefetch``: for reading, into every cache level, of data."""


def _prefetch(_context: Any, array: Any, _row: Any) -> Instruction:
    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        of = signature.args[0]
        seen = context.make_array(of)(context, builder, arguments[0])
        first = [arguments[1], *[context.get_constant(types.intp, 0)] * (of.ndim - 1)]
        place = cgutils.get_item_pointer(context, builder, of, seen, first)
        prototype = ir.FunctionType(ir.VoidType(), [BYTE, INT32, INT32, INT32])
        instruction = cgutils.get_or_insert_function(builder.module, prototype, "llvm.prefetch.p0")
        builder.call(instruction, [builder.bitcast(place, BYTE), TO_READ, ALL_CACHES, DATA])
        return context.get_dummy_value()

    return types.void(array, types.intp), write


def _load_u64(_context: Any, letters: Any, _at: Any) -> Instruction:
    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        seen = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(seen.data, [arguments[1]])
        return builder.load(builder.bitcast(place, WORD), align=1)

    return types.uint64(letters, types.intp), write


prefetch: Callable[[Any, Any], None] = intrinsic(_prefetch)
"""``prefetch(array, row)``: ask the processor to load a row (0 or more) into its cache.

It does not wait, changes no result, and a row past the end does no harm.
"""


load_u64: Callable[[Any, Any], Any] = intrinsic(_load_u64)
"""``load_u64(letters, at)``: the eight bytes from ``at`` on as one uint64, without a check."""
