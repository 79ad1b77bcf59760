"""Runs the program: ``python -m clientstore serve``."""

import os
import subprocess
import sys

from . import program

if __name__ == "__main__":
    command = [program(), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)
    sys.exit(subprocess.call(command))
