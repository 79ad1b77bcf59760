"""What the comparison needs, under the build's folder: the release build, json-server, Flask; and wrk."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORES = len(os.sched_getaffinity(0))


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, text=True, **options)


def target_folder():
    metadata = run("cargo", "metadata", "--no-deps", "--format-version", "1", cwd=HERE, stdout=subprocess.PIPE).stdout
    return Path(json.loads(metadata)["target_directory"])


def install():
    """Gives the folder with it all. Only what is not there yet, with the same pins, is fetched."""
    target = target_folder()
    tools = target / "peers"
    tools.mkdir(parents=True, exist_ok=True)
    if not shutil.which("wrk"):
        say("wrk is not there: installing it by apt-get")
        run(*([] if os.geteuid() == 0 else ["sudo"]), "apt-get", "install", "--yes", "wrk", stdout=sys.stderr)
    say("building clientstore")
    run("cargo", "build", "--release", "--locked", "--quiet", cwd=HERE)
    shutil.copy(target / "release/clientstore", tools)
    fetch(tools / "json-server", ["package.json", "package-lock.json"], ["npm", "ci", "--no-audit", "--no-fund"])
    pip = "python3 -m venv . && bin/pip install --quiet --requirement requirements.txt"
    fetch(tools / "flask", ["requirements.txt"], ["sh", "-c", pip])
    return tools


def fetch(folder, pins, command):
    if all((folder / pin).exists() and (folder / pin).read_text() == (HERE / pin).read_text() for pin in pins):
        return
    say(f"installing {folder.name}")
    shutil.rmtree(folder, ignore_errors=True)
    # Under its own name only once it is whole.
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for pin in pins:
        shutil.copy(HERE / pin, partial)
    run(*command, cwd=partial, stdout=sys.stderr)
    partial.rename(folder)
