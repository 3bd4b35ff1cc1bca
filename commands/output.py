"""What a command prints: results on stdout, progress and messages on stderr."""

from __future__ import annotations

import html
import json
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from features.language.composed import composed
from features.language.current import _, number, say, say_n

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from features.dataset import Dataset
    from features.schemas import QuarantinedRows


SILENT_SECONDS = 10.0
"""What takes longer than this reports its progress."""


PLAIN_WIDTH = 110
"""Columns used when the output is a file or a pipe, which have no width of their own."""


def console_on(stream: TextIO) -> Console:
    """A console that colours and fits a terminal, and prints plainly into anything else."""
    from rich.console import Console

    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def log(message: str) -> None:
    """One line of progress for a person; on stderr, so that stdout stays the result.

    The message is in the reader's language already (``composed(f"…")``, ``say("…", …)``).
    """
    print(message, file=sys.stderr, flush=True)


def print_json(result: object) -> None:
    """A result as JSON on stdout: indented, keys in their order, NaN and infinities as null."""
    sys.stdout.write(json_text(result))


def json_text(result: object) -> str:
    """What :func:`print_json` prints."""
    return json.dumps(plain(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """``value`` as JSON knows it: numpy numbers, enums, moments and paths become plain values.

    >>> plain({"rate": float("nan"), "levels": ("low", "high")})
    {'rate': None, 'levels': ['low', 'high']}
    """
    if value is None or isinstance(value, bool | int | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    title: str | None = None,
    right: Sequence[str] = (),
) -> None:
    """A table on stdout; the columns named in ``right`` hold numbers and align right.

    ``columns`` are the messages of the catalogue (marked by ``N_``), translated here.
    """
    from rich import box
    from rich.table import Table

    table = Table(
        title=title and _(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in columns:
        table.add_column(_(column), justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*(shown(cell) for cell in row))
    console_on(sys.stdout).print(table)


def print_pairs(pairs: Sequence[tuple[str, object]]) -> None:
    """Names, which are messages marked by ``N_``, and values on stdout, one pair a line."""
    pairs = [(_(name), value) for name, value in pairs]
    width = max(len(name) for name, value in pairs)
    for name, value in pairs:
        print(f"  {name:<{width}}  {shown(value)}")


def shown(cell: object) -> str:
    """One cell as text: unknown as a dash, counts with separators, other numbers to 4 digits.

    >>> shown(None), shown(12345), shown(0.123456), shown("hot")
    ('–', '12,345', '0.1235', 'hot')
    """
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return _("yes") if cell else _("no")
    if isinstance(cell, int):
        return number(f"{cell:,}")
    if isinstance(cell, float):
        return number(f"{cell:.4g}") if math.isfinite(cell) else "–"
    return str(cell)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Tell on stderr what is being done, and how long it took. ``what`` is in English.

    Where no terminal shows it meanwhile, a line says so after ``SILENT_SECONDS``.
    """
    what = composed(what)
    started = time.perf_counter()
    if sys.stderr.isatty():
        with console_on(sys.stderr).status(f"{what} …"):
            yield
    else:
        waiting = threading.Timer(SILENT_SECONDS, log, [f"{what} …"])
        waiting.daemon = True
        waiting.start()
        try:
            yield
        finally:
            waiting.cancel()
    log(say("{what} ({seconds:.1f} s)", what=what, seconds=time.perf_counter() - started))


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A function to call with (what is being done, steps done, steps in all); drawn on stderr.

    On a terminal and in a notebook one bar per thing done; elsewhere one line when a thing begins,
    or nothing if ``quiet``.
    """
    if (notebook := notebook_display()) is not None:
        yield from _notebook_bars(notebook)
        return
    if not sys.stderr.isatty():
        if quiet:
            yield lambda *_: None
            return
        begun: set[str] = set()

        def show_line(what: str, done: int, total: int) -> None:
            if what not in begun and done < total:
                begun.add(what)
                text = say_n(
                    "{what}: {n:,} step", "{what}: {n:,} steps", total, what=composed(what)
                )
                log(text)

        yield show_line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console_on(sys.stderr)) as bars:
        tasks: dict[str, TaskID] = {}

        def show_progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(composed(what), total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield show_progress


def notebook_display() -> Callable[..., Any] | None:
    """How a notebook shows something that changes later; None outside of one.

    IPython is not imported: in a notebook it is there.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    shows: Callable[..., Any] = sys.modules["IPython"].display.display
    return shows


def _notebook_bars(display: Callable[..., Any]) -> Iterator[Callable[[str, int, int], None]]:
    """One HTML bar per thing done, which goes when all is done."""
    handles: dict[str, Any] = {}

    def show_progress(what: str, done: int, total: int) -> None:
        bar = (
            f'<progress value="{done}" max="{total}"></progress> {html.escape(what)} {done}/{total}'
        )
        shown = {"text/html": bar, "text/plain": f"{what} {done}/{total}"}
        if what in handles:
            handles[what].update(shown, raw=True)
        else:
            handles[what] = display(shown, raw=True, display_id=True)

    try:
        yield show_progress
    finally:
        for handle in handles.values():
            handle.update({"text/html": "", "text/plain": ""}, raw=True)


WEIGHTY = ("unanswered", "no created_at", "observed_until", "in no table", "is read as", "settles",
           "never learned from")  # fmt: skip
"""Inferences that change what is used; the others (types, groups) are counted here."""


def report_set_aside(quarantined: Iterable[QuarantinedRows]) -> None:
    """Print on stderr which rows were set aside, and why."""
    for rows in quarantined:
        what = say_n("{n:,} row of {file}", "{n:,} rows of {file}", rows.rows, file=rows.file)
        log(say("takes no part: {what}: {why}", what=what, why=composed(rows.reason)))


def report_reading(data: Dataset) -> None:
    """Tell on stderr what takes no part, first, then what was inferred.

    ``leadscore check`` tells all of it.
    """

    for loss in data.losses:
        log(say("takes no part: {what}", what=composed(loss)))
    plain = 0
    for sentence in data.inferred:
        if any(word in sentence for word in WEIGHTY) and "left out" not in sentence:
            log(say("inferred: {what}", what=composed(sentence)))
        else:
            plain += 1
    if plain:
        text = say_n(
            "inferred: types, groups and the like of {n:,} more (leadscore check lists each)",
            "inferred: types, groups and the like of {n:,} more (leadscore check lists each)",
            plain,
        )
        log(text)
