"""Run every notebook and keep its outputs; ``make notebooks``. Pictures and words, no timings."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent


def run(path: Path, folder: Path = FOLDER, timeout_s: int = 600) -> nbformat.NotebookNode:
    """The notebook at ``path`` executed from top to bottom in ``folder``, cleaned for keeping."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=timeout_s, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    with TemporaryDirectory(prefix="leadscore-kernel-") as sockets:
        client.km = client.create_kernel_manager()
        client.km.transport = "ipc"  # files of this user alone, no port
        client.km.ip = str(Path(sockets) / "kernel")
        client.execute()
    return cleaned(notebook)


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what changes from run to run: moments of execution, progress, kernel versions."""
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if not is_progress(out)]
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    return notebook


def is_progress(output: nbformat.NotebookNode) -> bool:
    """Whether an output is a message to the person who waits, or a bar that has gone."""
    return output.get("name") == "stderr" or output.get("data", {}).get("text/html") == ""


def main() -> None:
    """Run the notebooks named on the command line, or all of them."""
    named = [Path(name) for name in sys.argv[1:]]
    for path in named or sorted(FOLDER.glob("*.ipynb")):
        print(path.name, flush=True)
        nbformat.write(run(path), path)


if __name__ == "__main__":
    main()
