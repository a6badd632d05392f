"""Bringing a package's archive with the clients of the registries: pip and npm, as the machine has them configured.

Nothing is installed and no code of a package is run.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from nstcore.networks.weights.failures import SourceError, one_line
from nstcore.system import tether

#: Longest time one client may take, in seconds: 95 MB over a slow line.
CLIENT_SECONDS = 1200.0

# To learn the metadata of a source distribution, pip has its build backend run, and thereby the package's setup.py.
# This one stands in for setuptools and answers from the name alone.
_STAND_IN_BACKEND = '''\
"""Answers pip's questions about the metadata of one source distribution without running its code."""
import os
import sys

__legacy__ = sys.modules[__name__]  # the name pip uses for packages without a pyproject.toml


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = "{stem}-{version}.dist-info"
    os.makedirs(os.path.join(metadata_directory, folder))
    with open(os.path.join(metadata_directory, folder, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return folder
'''


def run_client(
    command: Sequence[str],
    *,
    client: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    seconds: float = CLIENT_SECONDS,
) -> str:
    """Run a client in `folder`, with no input, and return its standard output.

    Should this process be killed meanwhile, the client ends, and the folder is removed.

    Args:
        environment: variables set on top of this process' own.
        seconds: after this time the client and everything it started are killed.

    Raises:
        SourceError: it could not start, failed (with what it said) or took too long.
    """
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", tether.__file__, str(folder), *command],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,  # never written to: it closes with this process
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise SourceError(f"{client} does not start: {error.strerror}") from error
    with process:
        try:
            output, errors = _all_of(process, seconds)
        except subprocess.TimeoutExpired:
            raise SourceError(f"{client} was stopped after {seconds:g} s") from None
        finally:
            # Also on Ctrl-C: a session of its own does not hear it.
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise SourceError(f"{client}: {_complaint(errors, output) or f'exit status {process.returncode}'}")
    return output


def _all_of(process: subprocess.Popen[str], seconds: float) -> tuple[str, str]:
    """What a process writes until it ends, with its standard input left open: `communicate` would close it.

    Raises:
        subprocess.TimeoutExpired: if it has not ended by then.
    """
    told = {}

    def read(name: str, stream: IO[str]) -> None:
        told[name] = stream.read()

    streams = {"output": process.stdout, "errors": process.stderr}
    readers = [threading.Thread(target=read, args=each, daemon=True) for each in streams.items() if each[1]]
    for reader in readers:
        reader.start()
    process.wait(timeout=seconds)
    for reader in readers:
        reader.join(timeout=10)
    if any(reader.is_alive() for reader in readers):  # something that the client left behind holds a stream open
        os.killpg(process.pid, signal.SIGKILL)
    return told.get("output", ""), told.get("errors", "")


def _complaint(errors: str, output: str) -> str:
    """The lines in which a client says what is wrong, at most two of them."""
    lines = [line.strip() for line in (errors.strip() or output.strip()).splitlines() if line.strip()]
    complaints = [
        line for line in lines if re.match(r"(ERROR|npm error|npm ERR!)", line) and "complete log" not in line
    ]
    return one_line("; ".join(line.removeprefix("ERROR: ") for line in complaints[:2] or lines[-1:]))


def check_sha256(archive: Path, expected: str) -> None:
    """Compare a file with the checksum the project knows.

    Raises:
        SourceError: it is another file.
    """
    with archive.open("rb") as file:
        received = hashlib.file_digest(file, "sha256").hexdigest()
    if received != expected:
        raise SourceError(f"{archive.name} is not the file expected: SHA-256 {received}, expected {expected}")


def pip_download(name: str, version: str, sha256: str, folder: Path, *, source_distribution: bool) -> Path:
    """Have pip bring the wheel or the source distribution of `name` into `folder`.

    pip compares the checksum before it looks into the archive; a source distribution's build backend is ours.

    Raises:
        SourceError: pip is missing, finds no such file or brings another one.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
    environment = {}
    if source_distribution:
        backend = folder / "backend" / "setuptools"
        backend.mkdir(parents=True)
        (backend / "__init__.py").touch()
        (backend / "build_meta.py").write_text(
            _STAND_IN_BACKEND.format(stem=name.replace("-", "_"), name=name, version=version)
        )
        search = [str(backend.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(search)
        kind = ["--no-binary", name, "--no-build-isolation", "--use-pep517"]
    else:
        kind = ["--only-binary", name]
    target = folder / "archive"
    # Five retries, pip's default, take a minute where there is no network.
    options = ["--no-deps", "--no-input", "--progress-bar=off", "--disable-pip-version-check", "--retries=1"]
    command = [sys.executable, "-m", "pip", "download", *options, *kind]
    command += ["--require-hashes", "--requirement", str(requirements), "--dest", str(target)]
    run_client(command, client="pip", folder=folder, environment=environment)
    return _only_file(target, sha256, "pip")


def npm_pack(name: str, version: str, sha256: str, folder: Path) -> Path:
    """Have npm bring the archive of `name` into `folder`, without running any script.

    Raises:
        SourceError: npm is not installed, finds no such package or brings another file.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError("npm is not installed")
    target = folder / "archive"
    target.mkdir()
    # npm's defaults wait five minutes for a connection and try three times.
    options = ["--ignore-scripts", "--no-update-notifier", "--logs-max=0", "--fetch-retries=1"]
    options += ["--fetch-retry-mintimeout=1000", "--fetch-timeout=60000", f"--pack-destination={target}"]
    run_client([npm, "pack", f"{name}@{version}", *options], client="npm", folder=folder)
    return _only_file(target, sha256, "npm")


def _only_file(folder: Path, sha256: str, client: str) -> Path:
    files = sorted(folder.iterdir())
    if len(files) != 1:
        raise SourceError(f"{client} brought {len(files)} files, expected one")
    check_sha256(files[0], sha256)
    return files[0]
