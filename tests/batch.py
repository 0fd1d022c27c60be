"""Runs many small kernels through one process of the program (`weft batch`), and judges the results.

Used by numpy_examples.py, fuzz.py and corpus.py: a process of its own for each kernel would take longer
than the kernels do.
"""

import json
import os
import re
import select
import shutil
import subprocess
import tempfile
import threading

import numpy as np

import common

RIGHT, REFUSED, WRONG, CRASHED, HUNG, SKIPPED = "right", "refused", "wrong", "crashed", "hung", "skipped"
VERDICTS = (RIGHT, REFUSED, WRONG, CRASHED, HUNG)
# What the program says of a worker that fell over; any other failure is one of the kernel (a check).
CRASHES = ("the worker process died", "internal error", "stopped at", "the worker answered something unexpected",
           "an unknown element type", "graph text:")


class Batch:
    """A process that answers one call after the other. Starts anew after a crash or where it hangs."""

    def __init__(self, program, threads=1, limit=20):
        self.command = [program, "batch", "--threads", str(threads), "--time-limit", str(limit)]
        self.limit = 3 * limit
        self.process = None
        # On a file system in memory where there is one: every call reads and writes a file.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix="weft-batch-", dir=memory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.errors.close()
            self.process = None

    def _start(self):
        env = {k: v for k, v in os.environ.items() if k not in common.TUNING}
        self.errors = open(os.path.join(self.folder, "stderr"), "w+", errors="replace")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, env=env)

    def _said(self):
        """The last lines on stderr."""
        self.errors.seek(0)
        lines = [line.strip() for line in self.errors.read().splitlines() if line.strip()]
        return "; ".join(lines[-3:])[:400]

    def ask(self, **call):
        """The answer to one call as a dictionary; `status` may also be `died` or `hung`."""
        if self.process is None:
            self._start()
        try:
            self.process.stdin.write((json.dumps(call) + "\n").encode())
            self.process.stdin.flush()
        except OSError:
            pass
        ready, _, _ = select.select([self.process.stdout], [], [], self.limit)
        if not ready:
            self._stop()
            return {"status": "hung", "message": f"no answer within {self.limit} s"}
        line = self.process.stdout.readline()
        if not line:
            status, said = self.process.wait(), self._said()
            self._stop()
            return {"status": "died", "message": f"the program ended with {status}: {said}"}
        return json.loads(line)

    def run(self, source, function, inputs, optimize="none"):
        """Runs a function of this Python text; a verdict (`ran` where it has results), a message, the results."""
        path = os.path.join(self.folder, "kernel.py")
        with open(path, "w") as file:
            file.write(source)
        return self.run_file(path, function, inputs, optimize)

    def run_file(self, path, function, inputs, optimize="none"):
        given, out = os.path.join(self.folder, "in.npz"), os.path.join(self.folder, "out.npz")
        common.save_inputs(given, inputs)
        answer = self.ask(target=f"{path}::{function}", inputs=given, optimize=optimize, output=out)
        status, message = answer["status"], answer.get("message", "")
        if status == "ran":
            try:
                with np.load(out) as file:
                    return "ran", "", dict(file)
            except Exception as error:  # whatever NumPy says about a file that it cannot read
                return CRASHED, f"the output cannot be read: {error}", None
        return self.verdict(status, message), message, None

    @staticmethod
    def verdict(status, message):
        if status == "hung" or message.startswith("stopped after"):
            return HUNG
        if status in ("died", "panicked") or any(word in message for word in CRASHES):
            return CRASHED
        if "the graph" in message and "not valid" in message:
            return CRASHED
        return REFUSED if status == "refused" else "raised"


# What a run ends with where Python would go on with a value of another kind: it says so, and nothing is wrong.
LIMITS = re.compile("not supported here|integers have 64 bits here")


def judge(batch, source, function, inputs, expected, optimize="none"):
    """Runs and compares: a verdict and a message."""
    verdict, message, got = batch.run(source, function, inputs, optimize)
    return judged(verdict, message, got, expected)


def judged(verdict, message, got, expected):
    if verdict == "raised" and LIMITS.search(message):
        return REFUSED, message
    if verdict == "raised":
        return WRONG, f"raised where NumPy has a result: {message}"
    if verdict != "ran":
        return verdict, message
    problem = differences(expected, got)
    return (WRONG, problem) if problem else (RIGHT, "")


def differences(expected, got):
    """One line on how two sets of arrays differ, or None."""
    if set(got) != set(expected):
        return f"results {sorted(got)}, expected {sorted(expected)}"
    for name, value in expected.items():
        problem = difference(value, got[name])
        if problem:
            return f"{name}: {problem}"
    return None


def difference(expected, got, tolerance=None):
    """As common.difference, but complex infinities are compared part by part."""
    if expected.dtype.kind == "c" and expected.dtype == got.dtype and expected.shape == got.shape:
        if not np.array_equal(np.isnan(expected), np.isnan(got)):
            return f"NaN in other places: {brief(got)}, expected {brief(expected)}"
        odd = ~np.isfinite(expected) | ~np.isfinite(got)
        for part in ("real", "imag"):
            e, g = getattr(expected, part)[odd], getattr(got, part)[odd]
            known = ~(np.isnan(expected[odd]))
            problem = common.difference(e[known], g[known])
            if problem:
                return f"{part} parts where infinite: {problem}"
        expected, got = np.where(odd, 0, expected), np.where(odd, 0, got)
    problem = common.difference(expected, got)
    if problem and problem.startswith("NaN"):
        problem += f": {brief(got)}, expected {brief(expected)}"
    return problem


def brief(array):
    return np.array2string(np.ravel(array)[:8], separator=" ", max_line_width=1000)


def reason_of(message):
    """A refusal without what differs from kernel to kernel: place, names and numbers."""
    lines = [line for line in message.splitlines() if line.strip()]
    text = lines[0] if lines else "(no message)"
    text = re.sub(r"^\S+\.py:\d+:\d+:?\s*", "", text)
    text = re.sub(r"^error:\s*", "", text)
    text = re.sub(r"(argument )?'[^']*'", lambda m: m[0] if m[1] else "'…'", text)
    text = re.sub(r"`[^`]*`", lambda m: m[0] if re.match(r"`(np|math|cmath)\b", m[0]) else "`…`", text)
    return re.sub(r"(?<![A-Za-z_0-9])-?\d+", "#", text)[:160]


def spread(jobs, program, items, work, threads=1, limit=20):
    """Calls `work(batch, item)` for every item, on `jobs` processes of the program; results in order."""
    items = list(items)
    results = [None] * len(items)
    todo = iter(enumerate(items))
    lock = threading.Lock()

    def serve():
        with Batch(program, threads, limit) as batch:
            while True:
                with lock:
                    index, item = next(todo, (None, None))
                if index is None:
                    return
                results[index] = work(batch, item)

    workers = [threading.Thread(target=serve) for _ in range(max(1, min(jobs, len(items))))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results
