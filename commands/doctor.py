"""What is installed, reachable and loaded, and what to do about the rest."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from features.errors import LeadscoreError
from features.language.composed import composed
from features.language.current import N_, _
from features.language.plural import plural
from features.reading.sources.database_url import without_password
from features.version import VERSION

NEEDED = {
    "serving": ("numpy", "numba", "fastapi", "uvicorn", "msgspec", "sqlalchemy", "alembic"),
    "training": ("pandas", "pyarrow", "duckdb", "sklearn", "lightgbm", "mlflow"),
}
"""Role, which is also the package that shows it is installed, to the packages it needs."""


SHOWN_VERSIONS = ("numpy", "numba", "fastapi", "pandas", "lightgbm", "mlflow")


LOW_DISK_BYTES = 1 << 30


LONG_WAIT_S = 60.0


ANSWER_WITHIN_S = 2.0


class State(StrEnum):
    """How a check came out; only ``FAULT`` makes the command fail."""

    FINE = "fine"
    ABSENT = "absent"
    FAULT = "fault"


STATES = {
    State.FINE: N_("fine"),
    State.ABSENT: N_("absent"),
    State.FAULT: N_("fault"),
}


LOOKED_AT = (
    N_("python"), N_("packages"), N_("engine"), N_("optional packages"), N_("home"), N_("registry"),
    N_("champion"), N_("journal"), N_("keys"), N_("store"), N_("service"),
)  # fmt: skip
"""What a check is called, for the catalogue."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what was found, and what to do if it is not fine; in English."""

    what: str
    state: State
    found: str
    next_step: str = ""

    def to_dict(self) -> dict[str, str]:
        """Plain data for ``--json``."""
        return {name: str(value) for name, value in asdict(self).items()}


def examine(url: str) -> list[Check]:
    """Look at everything once; ``url`` is where the service is expected to answer."""
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("python", python),
        ("packages", packages),
        ("engine", engine),
        ("optional packages", optional_packages),
        ("home", home),
        *([("registry", registry)] if find_spec("training") else []),
        ("champion", champion),
        ("journal", journal),
        ("keys", keys),
        ("store", store),
        ("service", lambda: service(url)),
    ]
    return [carefully(what, check) for what, check in checks]


def carefully(what: str, check: Callable[[], Check]) -> Check:
    """Run one check; a failure of any kind is a finding, not the end of the others."""
    try:
        return check()
    except LeadscoreError as error:
        return Check(what, State.FAULT, str(error), "see the message")
    except Exception as error:
        return Check(what, State.FAULT, f"{type(error).__name__}: {error}", "see the message")


def python() -> Check:
    """The interpreter and the machine it runs on."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check(
        "python", State.FINE, f"{found}, {plural(os.cpu_count() or 1, '{n:,} core', '{n:,} cores')}"
    )


def packages() -> Check:
    """Every package that is needed imports."""
    roles = [role for role in NEEDED if find_spec(role) is not None]
    broken = []
    for name in (name for role in roles for name in NEEDED[role]):
        try:
            importlib.import_module(name)
        except Exception as error:
            broken.append(f"{name} ({error})")
    if broken:
        return Check("packages", State.FAULT, "; ".join(broken), "install leadscore again")
    shown = [n for n in SHOWN_VERSIONS if any(n in NEEDED[role] for role in roles)]
    found = ", ".join(f"{name} {metadata.version(name)}" for name in shown)
    for_roles = "serving and training" if len(roles) > 1 else roles[0]
    return Check("packages", State.FINE, f"leadscore {VERSION} for {for_roles}; {found}")


def engine() -> Check:
    """The compiled scorecard engine answers as it should."""
    import numpy as np

    from features.compute.array_types import DAY_US
    from features.histories.arrays import References
    from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
    from scoring.scorecard.scorecard import default_scorecard

    call = RecordColumns(kinds=["inbound_call"], at_us=[DAY_US])
    lead = histories_from_records([LeadRecord("doctor", 0, {}, call)])
    started = time.perf_counter()
    asked = References(np.zeros(1, np.int64), np.array([2 * DAY_US]))
    points = float(default_scorecard().points(lead, asked).points[0])
    took = time.perf_counter() - started
    if not points > 0:
        return Check(
            "engine", State.FAULT, f"an inbound call gave {points} points", "make clean, make demo"
        )
    return Check("engine", State.FINE, f"counted and scored in {took:.2f} s, compiling included")


def optional_packages() -> Check:
    """What some uses need and most do not."""
    missing = []
    if find_spec("psycopg") is None:
        missing.append("PostgreSQL: pip install 'leadscore[postgres]'")
    if find_spec("pyspark") is None:
        missing.append("Spark: pip install 'leadscore[spark]', and a Java runtime")
    if find_spec("pyspark") is not None and shutil.which("java") is None:
        missing.append("Spark: a Java runtime (apt install default-jre-headless)")
    if missing:
        return Check(
            "optional packages", State.ABSENT, "some are not installed", "; ".join(missing)
        )
    return Check("optional packages", State.FINE, "psycopg, pyspark")


def home_folder() -> Path:
    """The release store's folder, by the settings of the role that is installed."""
    if find_spec("training") is None:
        from serving.settings import Settings

        return Settings().home
    from training.settings import TrackingSettings

    return TrackingSettings().home


def home() -> Check:
    """The release store can be written and has room."""
    folder = home_folder().absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return Check(
            "home", State.FAULT, f"{folder} cannot be written",
            "give this user the folder, or set LEADSCORE_HOME",
        )  # fmt: skip
    free = shutil.disk_usage(existing).free
    found = f"{shown_path(folder)}, {free / (1 << 30):.0f} GiB free"
    if free < LOW_DISK_BYTES:
        return Check("home", State.FAULT, found, "free some disk, or set LEADSCORE_HOME")
    return Check("home", State.FINE, found)


def registry() -> Check:
    """The MLflow registry answers, and how quickly."""
    from training.registry.resolve import models
    from training.settings import TrackingSettings

    settings = TrackingSettings()
    if not settings.tracking_uri and not (settings.home / "mlflow.db").exists():
        return Check(
            "registry", State.ABSENT, "nothing was trained here yet",
            "leadscore demo, or leadscore train DATASET",
        )  # fmt: skip
    started = time.perf_counter()
    rows = models(settings)
    return Check(
        "registry",
        State.FINE,
        f"{plural(len(rows), '{n:,} version', '{n:,} versions')}, "
        f"{time.perf_counter() - started:.1f} s",
    )


def champion() -> Check:
    """The release that answers loads, and every byte of it verifies."""
    from scoring.release.release import load_release
    from scoring.release.store import ReleaseStore

    pointer = ReleaseStore(home_folder()).pointer()
    if pointer is None:
        return Check(
            "champion", State.ABSENT, "no release was promoted",
            "leadscore models, then leadscore promote VERSION",
        )  # fmt: skip
    release = load_release(Path(pointer.path))
    named = f"version {pointer.version or '?'}, release {release.release_id}"
    if pointer.pending:
        return Check(
            "champion", State.FAULT, f"{named}; the registry is not updated yet",
            "leadscore models (once the registry answers again)",
        )  # fmt: skip
    return Check(
        "champion",
        State.FINE,
        f"{named}, {plural(len(release.spec), '{n:,} feature', '{n:,} features')}, verified",
    )


def journal() -> Check:
    """No score has waited long to be moved into the store."""
    from serving.journal.segments import used
    from serving.settings import Settings

    now = time.time()
    since = [path.stat().st_mtime for path in used(Settings().home / "journal")]
    waited = now - min(since, default=now)
    found = plural(
        len(since),
        "{n:,} file of scores waits for the store, {seconds:.0f} s at most",
        "{n:,} files of scores wait for the store, {seconds:.0f} s at most",
        seconds=waited,
    )
    if waited < LONG_WAIT_S:
        return Check("journal", State.FINE, found)
    advice = "leadscore serve moves them in; if it runs, look at the store"
    return Check("journal", State.FAULT, found, advice)


def keys() -> Check:
    """The API keys can be read, by their owner alone, and some are live."""
    from serving.http.api_keys import KEYS_FILE, read_keys
    from serving.settings import Settings

    settings = Settings()
    path = settings.home / KEYS_FILE
    if not path.exists():
        state = State.FAULT if settings.production else State.ABSENT
        return Check(
            "keys", state, "no API key was made: only this machine is answered",
            "leadscore keys create NAME",
        )  # fmt: skip
    made = read_keys(path)
    live = sum(key.revoked_at is None for key in made)
    found = f"{live} live, {len(made) - live} revoked"
    if readable_by_others(path):
        return Check("keys", State.FAULT, f"{found}; others may read {path}", f"chmod 600 {path}")
    if not live:
        advice = "leadscore keys create NAME"
        return Check("keys", State.FAULT, f"{found}: every request is refused", advice)
    return Check("keys", State.FINE, found)


def store() -> Check:
    """The store's database opens, has the schema of this version, and is private."""
    from serving.settings import Settings
    from serving.store.database import connect, store_url
    from serving.store.migrate import HEAD, schema_version

    settings = Settings()
    file = settings.home / "store.db"
    if settings.database_url is None and not file.exists():
        return Check("store", State.ABSENT, "no store yet", "leadscore serve makes it")
    url = store_url(settings)
    place = "SQLite in the home" if settings.database_url is None else without_password(url)
    engine = connect(url, ANSWER_WITHIN_S)
    try:
        version = schema_version(engine)
    finally:
        engine.dispose()
    if version is None:
        return Check("store", State.ABSENT, f"{place}: empty", "leadscore serve makes its tables")
    if version != HEAD:
        advice = "leadscore serve upgrades it" if version < HEAD else "install a newer leadscore"
        found = f"{place}: schema {version}, this version has {HEAD}"
        return Check("store", State.ABSENT if version < HEAD else State.FAULT, found, advice)
    if settings.database_url is None and readable_by_others(file):
        return Check("store", State.FAULT, f"others may read {file}", f"chmod 600 {file}")
    return Check("store", State.FINE, f"{place}, schema {version}")


def readable_by_others(path: Path) -> bool:
    """Whether anybody but the owner may read a file; never on Windows, which asks otherwise."""
    return os.name != "nt" and bool(path.stat().st_mode & 0o077)


def service(url: str) -> Check:
    """Something answers at ``url`` and says that it is ready."""
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310
            answer.read()
        return Check("service", State.FINE, f"ready at {url}")
    except urllib.error.HTTPError as error:
        return Check(
            "service", State.FAULT, f"{url} answers, not ready (HTTP {error.code})",
            "promote a version, or read its log",
        )  # fmt: skip
    except OSError:
        return Check("service", State.ABSENT, f"nothing answers at {url}", "leadscore serve")


def shown_path(path: Path) -> str:
    """A path relative to here when it lies below, as a person would type it."""
    try:
        return f"./{path.relative_to(Path.cwd())}"
    except ValueError:
        return str(path)


def print_findings(findings: list[Check]) -> None:
    """One or two lines a finding for a person; the state carries its colour on a terminal."""
    from rich.text import Text

    from commands.output import console_on

    colour = {State.FINE: "green", State.ABSENT: "yellow", State.FAULT: "red"}
    console = console_on(sys.stdout)
    state_width = max(len(_(text)) for text in STATES.values())
    width = max(len(_(finding.what)) for finding in findings)
    for finding in findings:
        line = Text(f"{_(STATES[finding.state]):<{state_width}}", style=colour[finding.state])
        what, found = _(finding.what), composed(finding.found)
        console.print(line.append(f"  {what:<{width}}  {found}", style="default"))
        if finding.next_step:
            indent = " " * (state_width + width + 4)
            console.print(Text(f"{indent}→ {composed(finding.next_step)}"))


def worst(findings: list[Check]) -> State:
    """The state of the whole: a fault if there is one."""
    return State.FAULT if any(f.state is State.FAULT for f in findings) else State.FINE
