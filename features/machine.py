"""Two things a processor can do that Python has no words for; for use in compiled kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

Instruction = tuple[Any, Callable[..., Any]]
"""A signature, and what writes the instruction: as numba wants it."""
BYTE, WORD = ir.IntType(8).as_pointer(), ir.IntType(64).as_pointer()
NUMBER = ir.IntType(32)
TO_READ, ALL_CACHES, DATA = NUMBER(0), NUMBER(3), NUMBER(1)


def _fetch(_context: Any, array: Any, _row: Any) -> Instruction:
    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        of = signature.args[0]
        seen = context.make_array(of)(context, builder, arguments[0])
        first = [arguments[1], *[context.get_constant(types.intp, 0)] * (of.ndim - 1)]
        place = cgutils.get_item_pointer(context, builder, of, seen, first)
        asked = ir.FunctionType(ir.VoidType(), [BYTE, NUMBER, NUMBER, NUMBER])
        instruction = cgutils.get_or_insert_function(builder.module, asked, "llvm.prefetch.p0")
        builder.call(instruction, [builder.bitcast(place, BYTE), TO_READ, ALL_CACHES, DATA])
        return context.get_dummy_value()

    return types.void(array, types.intp), write


def _eight_bytes(_context: Any, letters: Any, _at: Any) -> Instruction:
    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        seen = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(seen.data, [arguments[1]])
        return builder.load(builder.bitcast(place, WORD), align=1)

    return types.uint64(letters, types.intp), write


fetch: Callable[[Any, Any], None] = intrinsic(_fetch)
"""``fetch(array, row)``: have a row (0 or more) brought near, and do not wait for it.

Nothing that is computed changes, and a row past the end does no harm.
"""
eight_bytes: Callable[[Any, Any], Any] = intrinsic(_eight_bytes)
"""``eight_bytes(letters, at)``: the eight bytes from ``at`` on as one uint64; not checked."""
