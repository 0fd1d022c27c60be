#!/usr/bin/env python3
"""How long the window takes from a key or click to the new picture, on every sample.

Opens the real window on a virtual display (software rendering), drives it with
xdotool, and reads the times from the program's own log: from the frame in which
the command arrives to the frame that shows the new picture, this one included.
Prints a table, and says which figures are over the bar. NAMES pick samples.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

from window import ROOT, WEFT, start_display, wait_for

BAR = 100.0
PICTURE = re.compile(r"(\w+): new picture after ([\d.]+) ms")
FRAME = re.compile(r"frame 1 after ([\d.]+) ms")
# In the palette the transformations are listed by name; what is refused is not.
APPLY = ["MapFusion", "MapTiling", "LoopToMap", "StripMining"]


class Window:
    """One window; each of its actions gives the time that the log says, or None."""

    def __init__(self, display, sample, folder):
        self.log = os.path.join(folder, "log")
        self.environment = dict(
            os.environ, DISPLAY=display, XDG_STATE_HOME=folder, LIBGL_ALWAYS_SOFTWARE="1", WEFT_LOG="debug"
        )
        self.environment.pop("WAYLAND_DISPLAY", None)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([WEFT, "open", sample], env=self.environment, stdout=log, stderr=log)
        ids = wait_for(lambda: self.xdotool("search", "--onlyvisible", "--name", "^Weft$").split(), 20)
        if not ids or not wait_for(lambda: FRAME.search(self.text()), 20):
            raise RuntimeError(f"no window on {sample}")
        self.id = ids[0]
        # The offers of the first version are planned in the background; a person has not read them yet.
        time.sleep(1.0)
        self.xdotool("windowfocus", self.id)

    def text(self):
        with open(self.log, errors="replace") as log:
            return re.sub(r"\x1b\[[0-9;]*m", "", log.read())

    def xdotool(self, *arguments):
        return subprocess.run(["xdotool", *arguments], env=self.environment, capture_output=True, text=True).stdout

    def timed(self, what, act):
        count = len(PICTURE.findall(self.text()))
        act()
        found = wait_for(lambda: PICTURE.findall(self.text())[count:], 3)
        time.sleep(0.5)
        times = [float(ms) for name, ms in found or [] if name == what]
        return times[0] if times else None

    def key(self, what, key):
        return self.timed(what, lambda: self.xdotool("key", key))

    def apply(self, name):
        """Searches the transformation in the palette and takes the first place that is offered."""

        def act():
            self.xdotool("key", "ctrl+shift+p")
            time.sleep(0.3)
            self.xdotool("type", name)
            time.sleep(0.3)
            self.xdotool("key", "Return")

        return self.timed("apply", act)

    def select(self):
        """Clicks into the graph until something is selected."""
        for x, y in [(640, 300), (640, 240), (600, 360), (680, 420), (640, 180)]:
            move = lambda: self.xdotool("mousemove", str(x), str(y), "click", "1")
            found = self.timed("select", move)
            if found is not None:
                return found
        return None

    def close(self):
        self.process.terminate()
        self.process.wait()


def measure(display, sample):
    with tempfile.TemporaryDirectory() as folder:
        window = Window(display, sample, folder)
        try:
            row = {"frame": float(FRAME.search(window.text())[1]), "select": window.select()}
            window.xdotool("key", "Escape")
            row["auto"] = window.key("auto", "a")
            row["undo"] = window.key("undo", "ctrl+z")
            row["simplify"] = window.key("simplify", "s")
            row["apply"], row["applied"] = None, ""
            for name in APPLY:
                row["apply"] = window.apply(name)
                if row["apply"] is not None:
                    row["applied"] = name
                    break
                window.xdotool("key", "Escape")
            row["undo "] = window.key("undo", "ctrl+z")
            row["redo"] = window.key("redo", "ctrl+shift+z")
            return row
        finally:
            window.close()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("names", nargs="*", metavar="NAME", help="samples; all if left out")
    names = arguments.parse_args().names
    folder = os.path.join(ROOT, "samples")
    names = names or sorted(f[:-3] for f in os.listdir(folder) if f.endswith(".py"))
    over = []
    columns = ["frame", "select", "auto", "undo", "simplify", "apply", "undo ", "redo"]
    print(f"{'ms':18}" + "".join(f"{c.strip():>9}" for c in columns) + "  applied")
    for name in names:
        # A display each: a server starts afresh when its last window closes.
        server, display = start_display()
        try:
            row = measure(display, os.path.join(folder, f"{name}.py"))
        finally:
            server.kill()
            server.wait()
        cells = "".join(f"{'-' if row[c] is None else f'{row[c]:.1f}':>9}" for c in columns)
        print(f"{name:18}{cells}  {row['applied']}", flush=True)
        over += [f"{name} {c.strip()}" for c in columns[1:] if row[c] is not None and row[c] > BAR]
    print(f"over {BAR:.0f} ms: {', '.join(over) or 'none'}")


if __name__ == "__main__":
    sys.exit(main())
