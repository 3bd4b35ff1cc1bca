"""Files as they lie on a disk or on object storage, and which of them a name or a pattern means."""

from __future__ import annotations

import gzip
import mmap
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from pyarrow import fs

from features.errors import DataError, StorageError, UsageError
from features.language.plural import plural

HEAD_BYTES = 8192
SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "abfss", "hdfs", "http", "https", "file")
WEB_TIMEOUT_S = 60
_GZIP = b"\x1f\x8b"
Bytes = bytes | mmap.mmap


@dataclass(frozen=True)
class DataFile:
    """One file. ``name``: as messages call it. ``location``: its path within ``filesystem``."""

    name: str
    location: str
    filesystem: Any = None

    @property
    def path(self) -> Path | None:
        """The path on this machine's disk, None elsewhere."""
        return Path(self.location) if self.filesystem is None else None

    @property
    def ending(self) -> str:
        """The end of its name in small letters, ``.gz`` with what is before it."""
        suffixes = PurePosixPath(self.location.split("?")[0]).suffixes
        ends = "".join(suffixes[-2:] if suffixes[-1:] in ([".gz"], [".GZ"]) else suffixes[-1:])
        return ends.lower()

    def head(self) -> bytes:
        """Its first bytes."""
        if self.filesystem is None:
            with Path(self.location).open("rb") as file:
                return file.read(HEAD_BYTES)
        return bytes(self._stored()[:HEAD_BYTES]) if self._is_web else self._remote_head()

    @property
    def _is_web(self) -> bool:
        return isinstance(self.filesystem, str)

    def _remote_head(self) -> bytes:
        with _storage_errors(self.name), self.filesystem.open_input_file(self.location) as file:
            return bytes(file.read(HEAD_BYTES))

    def _stored(self) -> Bytes:
        if self._is_web:
            return _downloaded(self.location)
        if self.filesystem is not None:
            with _storage_errors(self.name), self.filesystem.open_input_file(self.location) as file:
                return bytes(file.read())
        path = Path(self.location)
        if path.stat().st_size == 0:
            return b""
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def read(self) -> Bytes:
        """All of it, unpacked if it is gzipped; mapped where it lies on a disk."""
        raw = self._stored()
        if raw[:2] != _GZIP:
            return raw
        try:
            return gzip.decompress(bytes(raw))
        except (OSError, EOFError) as error:
            raise DataError(
                f"{self.name} cannot be read as gzipped CSV: {str(error)[:100]}; the file is "
                "damaged or was not copied whole: write it again"
            ) from error

    def parquet_source(self) -> Any:
        """What pyarrow opens as a Parquet file."""
        if self.filesystem is None:
            return self.location
        if self._is_web:
            import pyarrow as pa

            return pa.BufferReader(_downloaded(self.location))
        return self.filesystem.open_input_file(self.location)


class _storage_errors:
    """Failures of a storage as StorageError with the name of the file."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise StorageError(
                f"cannot read {self.name}: {str(error).splitlines()[0][:200]}"
            ) from error


@lru_cache(maxsize=4)
def _downloaded(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=WEB_TIMEOUT_S) as response:  # noqa: S310 - http(s) only
            return bytes(response.read())
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise StorageError(f"cannot read {url.split('?')[0]}: {str(error)[:200]}") from error


def is_url(text: str) -> bool:
    """Whether a text names a file elsewhere by its URL."""
    return "://" in text and text.split("://", 1)[0].lower() in SCHEMES


def remote_filesystem(url: str) -> tuple[Any, str]:
    """The filesystem of a URL and the path within it. UsageError for an unknown scheme."""
    scheme = url.split("://", 1)[0].lower()
    if scheme in ("http", "https"):
        return "web", url
    uri = "gs://" + url.split("://", 1)[1] if scheme == "gcs" else url
    if scheme == "az":
        uri = "abfs://" + url.split("://", 1)[1]
    try:
        filesystem, path = fs.FileSystem.from_uri(uri)
    except (ValueError, OSError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:200]
        raise UsageError(f"{scheme}:// cannot be reached from here: {reason}") from None
    return filesystem, path


def files_meant(text: str, folder: Path) -> list[DataFile]:
    """The files that a path, a folder, a pattern or a URL means, in the order of their names."""
    if is_url(text):
        return _remote_files(text)
    if any(sign in text for sign in "*?["):
        paths = sorted(p for p in folder.glob(text) if p.is_file())
        return [local_file(p, folder) for p in paths]
    place = folder / text
    if place.is_dir():
        return parts_of(place, folder)
    return [local_file(place, folder)] if place.is_file() else []


def local_file(path: Path, folder: Path | None = None) -> DataFile:
    """A file on the disk, called by its path within the folder."""
    inside = folder is not None and path.is_relative_to(folder)
    return DataFile(str(path.relative_to(folder)) if inside and folder else path.name, str(path))


def parts_of(place: Path, folder: Path) -> list[DataFile]:
    """The parts of a table in a folder of their own, at any depth; hidden files are none."""
    paths = sorted(p for p in place.rglob("*") if p.is_file() and not _hidden(p.relative_to(place)))
    return [local_file(p, folder) for p in paths]


def label_of(files: Sequence[DataFile], table: str, *, absent: str) -> str:
    """How messages call a table: its file, or how many there are; ``absent`` without any."""
    if len(files) == 1:
        return files[0].name
    return f"{table} ({plural(len(files), '{n:,} file', '{n:,} files')})" if files else absent


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _remote_files(url: str) -> list[DataFile]:
    filesystem, path = remote_filesystem(url)
    if filesystem == "web":
        return [DataFile(PurePosixPath(url.split("?")[0]).name, url, "web")]
    with _storage_errors(url):
        if any(sign in path for sign in "*?["):
            base = path.split("*")[0].split("?")[0].split("[")[0].rsplit("/", 1)[0]
            found = _listed(filesystem, base)
            return [f for f in found if PurePosixPath(f.location).match(path)]
        info = filesystem.get_file_info(path)
        if info.type == fs.FileType.Directory:
            return _listed(filesystem, path)
    return [DataFile(PurePosixPath(path).name, path, filesystem)]


def _listed(filesystem: Any, base: str) -> list[DataFile]:
    infos: Sequence[Any] = filesystem.get_file_info(fs.FileSelector(base, recursive=True))
    places = sorted(i.path for i in infos if i.type == fs.FileType.File)
    own = [p for p in places if not _hidden(Path(p.removeprefix(base).lstrip("/")))]
    return [DataFile(p.removeprefix(base).lstrip("/"), p, filesystem) for p in own]


def partition_values(file: DataFile) -> dict[str, str]:
    """The values that the folders of a partition hold in their names.

    >>> partition_values(DataFile("x", "interactions/year=2025/month=1/part-0.parquet"))
    {'year': '2025', 'month': '1'}
    """
    pairs = [p.split("=", 1) for p in PurePosixPath(file.location).parts[:-1] if "=" in p]
    return {key: value for key, value in pairs if key and value != "__HIVE_DEFAULT_PARTITION__"}
