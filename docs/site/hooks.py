"""Bring the pages outside ``docs/`` into the site, and point every link at where they went."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ("README.md", "GLOSSARY.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the root's pages as ``project/NAME``."""
    for name in OUTSIDE:
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, f"project/{name}", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Rewrite links that leave ``docs/``: to a page of the site, or to plain words."""
    del config, files
    source = page.file.src_uri
    here = posixpath.dirname(source)
    in_root = source.startswith("project/")

    def moved(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        if re.match(r"[a-z]+:", target):
            return match[0]
        start = "" if in_root else posixpath.join("docs", here)
        path = posixpath.normpath(posixpath.join(start, target))
        if path in OUTSIDE:
            new = f"project/{path}"
        elif path.startswith("docs/"):
            new = path.removeprefix("docs/")
        else:
            return "](#)"
        if path.endswith((".py", "template.md")):
            return "](#)"
        if target.endswith("/"):
            new = posixpath.join(new, "index.md") if "decisions" in new else "index.md"
        return f"]({posixpath.relpath(new, here or '.')}{anchor})"

    return LINK.sub(moved, markdown)
