#!/usr/bin/env python3
"""Opens the real window on a virtual display, looks at it, and closes it.

Without Xvfb, xwd, xdotool or ImageMagick there is nothing to check; that is
said, and counts as no check.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
WEFT = os.environ.get("WEFT_BIN", os.path.join(ROOT, "target", "debug", "weft"))
TOOLS = ["Xvfb", "xwd", "xdotool", "identify"]


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    return None


def start_display():
    """A display with a number that the server picks itself."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    return server, f":{number}"


def colours(picture):
    """How many colours a dump of the screen (xwd) has."""
    command = ["identify", "-format", "%k", "xwd:-"]
    return int(subprocess.run(command, input=picture, capture_output=True, check=True).stdout)


def check(display, folder):
    environment = dict(os.environ, DISPLAY=display, XDG_STATE_HOME=folder, LIBGL_ALWAYS_SOFTWARE="1")
    environment.pop("WAYLAND_DISPLAY", None)
    log = open(os.path.join(folder, "log"), "w")
    window = subprocess.Popen(
        [WEFT, "open", os.path.join(ROOT, "samples", "jacobi_2d.py")], env=environment, stdout=log, stderr=log
    )
    problems = []

    def search():
        command = ["xdotool", "search", "--onlyvisible", "--name", "^Weft$"]
        return subprocess.run(command, env=environment, capture_output=True, text=True).stdout.split()

    try:
        ids = wait_for(search, 20)
        if not ids:
            return ["no window was mapped within 20 s"]

        def shot():
            dump = ["xwd", "-root", "-silent"]
            return colours(subprocess.run(dump, env=environment, capture_output=True, check=True).stdout)

        def painted():
            return shot() > 200

        if not wait_for(painted, 20):
            problems.append(f"the window stays blank: {shot()} colours")
        subprocess.run(["xdotool", "windowfocus", ids[0]], env=environment)
        subprocess.run(["xdotool", "key", "ctrl+q"], env=environment, check=True)
        if wait_for(lambda: window.poll() is not None, 10) is None:
            problems.append("the window does not close on Ctrl+Q")
        elif window.returncode != 0:
            problems.append(f"the program ended with {window.returncode}")
    finally:
        if window.poll() is None:
            window.kill()
        window.wait()
        log.close()
    if problems:
        print(open(os.path.join(folder, "log")).read())
    return problems


def main():
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        print(f"not checked: {', '.join(missing)} not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        server, display = start_display()
        try:
            problems = check(display, folder)
        finally:
            server.kill()
            server.wait()
    for problem in problems:
        print(f"window: {problem}")
    print(f"{1 - bool(problems)} passed, {int(bool(problems))} failed")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
