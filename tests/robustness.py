"""Bad kernels, bad files and killed processes: each is a message and an exit status, and leaves nothing behind.

0 is right, 1 is a kernel that failed while running, 2 is refused or wrong usage.
"""

import glob
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

import numpy as np

import common

PROGRAM = common.weft_path()
# Every process that a test starts carries this in its environment, and so do its children.
MARK = "WEFT_TEST_MARK"


def marked(mark):
    """The living processes that carry a mark: process id -> command line."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if f"{MARK}={mark}".encode() not in file.read().split(b"\0"):
                    continue
            with open(f"/proc/{entry}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] in "ZX":
                    continue
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                found[int(entry)] = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # ended meanwhile
    return found


def wait_for(condition, seconds):
    """Polls until the condition is true; its last value."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


class Case(unittest.TestCase):
    """A scratch folder and a mark for each test."""

    def setUp(self):
        scratch = common.Scratch()
        self.folder = scratch.__enter__()
        self.addCleanup(scratch.__exit__)
        self.mark = uuid.uuid4().hex
        self.env = {MARK: self.mark}
        self.addCleanup(self.kill_survivors)

    def kill_survivors(self):
        for process in marked(self.mark):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, content):
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(self.path(name), mode) as file:
            file.write(content)
        return self.path(name)

    def inputs(self, **entries):
        common.save_inputs(self.path("in.npz"), entries)
        return self.path("in.npz")

    def weft(self, *arguments, timeout=60):
        run = common.weft(PROGRAM, *arguments, timeout=timeout, env=self.env, cwd=self.folder)
        self.assertFalse(run.timed_out, f"still running after {timeout} s")
        return run

    def assert_ends(self, run, *statuses, says=()):
        """The status is one of those given, there is a message with all the words, and nothing panicked."""
        self.assertFalse(run.panicked, run.stderr)
        self.assertIn(run.status, statuses, run.stderr)
        self.assertTrue(run.stderr.strip(), "no message on stderr")
        for word in says:
            self.assertIn(word.lower(), run.stderr.lower())
        self.assert_nothing_lives()

    def assert_nothing_lives(self, seconds=0.2):
        wait_for(lambda: not marked(self.mark), seconds)
        self.assertEqual(marked(self.mark), {}, "processes that outlived their job")

    def start(self, *arguments):
        """Starts the program and returns once it has a worker."""
        process = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, cwd=self.folder, env={**os.environ, **self.env})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        workers = wait_for(lambda: [p for p, line in marked(self.mark).items() if " worker" in line], 20)
        self.assertTrue(workers, "no worker process was seen")
        time.sleep(0.5)  # past compilation, into the kernel
        return process, workers

    def finish(self, process, timeout=30):
        out, err = process.communicate(timeout=timeout)
        return common.Run(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


ENDLESS = """\
def endless(a):
    while True:
        a[0] = a[0] + 1.0
"""


class WhileRunning(Case):
    def endless(self):
        return [self.file("endless.py", ENDLESS), "--inputs", self.inputs(a=np.zeros(4))]

    def test_endless_loop_meets_its_time_limit(self):
        run = self.weft("run", *self.endless(), "--time-budget", "1")
        self.assert_ends(run, 1, says=["time"])

    def test_interrupt_ends_the_job(self):
        process, _ = self.start("run", *self.endless(), "--time-budget", "60")
        process.send_signal(signal.SIGINT)
        run = self.finish(process)
        self.assertNotEqual(run.status, 0)
        self.assertFalse(run.panicked, run.stderr)
        self.assert_nothing_lives()

    def test_killed_program_takes_its_worker_along(self):
        process, _ = self.start("run", *self.endless(), "--time-budget", "60")
        process.kill()
        self.finish(process)
        self.assert_nothing_lives(seconds=1.0)

    def test_an_endless_loop_may_be_allowed(self):
        process, _ = self.start("run", *self.endless(), "--time-budget", "0")
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertNotEqual(self.finish(process).status, 0)
        self.assert_nothing_lives()

    def test_interrupt_while_numpy_is_measured(self):
        kernel = self.file("slow.py", "def slow(a, n):\n    for i in range(n):\n        a[0] = a[0] * 0.5 + 1.0\n")
        given = self.inputs(a=np.zeros(4), n=10**8)
        for how in (signal.SIGINT, signal.SIGKILL):
            with self.subTest(how):
                before = set(glob.glob(os.path.join(tempfile.gettempdir(), "weft-[0-9]*")))
                process, _ = self.start("run", kernel, "--inputs", given, "--baseline", "numpy")
                seen = wait_for(lambda: [p for p, line in marked(self.mark).items() if "python" in line], 30)
                self.assertTrue(seen, "no baseline was seen")
                time.sleep(0.7)
                process.send_signal(how)
                self.assertNotEqual(self.finish(process).status, 0)
                # A killed program cannot clean up; its children notice within a tenth of a second.
                self.assert_nothing_lives(0.2 if how == signal.SIGINT else 1.0)
                left = set(glob.glob(os.path.join(tempfile.gettempdir(), f"weft-{process.pid}-*"))) - before
                self.assertEqual(left, set())

    def test_killed_worker_is_a_message(self):
        process, workers = self.start("run", *self.endless(), "--time-budget", "60")
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        self.assert_ends(self.finish(process), 1, says=["worker"])

    def test_a_terabyte_is_too_much(self):
        kernel = self.file("huge.py", "import numpy as np\n\n\ndef huge(a, n):\n"
                                      "    b = np.ones(n)\n    b += a[0]\n    return b\n")
        run = self.weft("run", kernel, "--inputs", self.inputs(a=np.ones(4), n=2**37))
        self.assert_ends(run, 1, says=["memory"])

    def test_an_index_past_the_end(self):
        kernel = self.file("store.py", "def store(a, k):\n    a[k] = 1.0\n")
        for index in (5, -6, 2**40):
            with self.subTest(index=index):
                run = self.weft("run", kernel, "--inputs", self.inputs(a=np.zeros(5), k=index))
                self.assert_ends(run, 1, says=["index", "store.py:2"])

    def test_an_index_that_the_data_choose(self):
        kernel = self.file("pick.py", "def pick(a, at):\n    for i in range(at.shape[0]):\n        a[at[i]] = 1.0\n")
        run = self.weft("run", kernel, "--inputs", self.inputs(a=np.zeros(5), at=np.array([0, 4, 5])))
        self.assert_ends(run, 1, says=["index"])

    def test_the_next_call_is_right_after_a_failure(self):
        kernel = self.file("store.py", "def store(a, k):\n    a[k] = 1.0\n")
        out = self.path("out.npz")
        self.weft("run", kernel, "--inputs", self.inputs(a=np.zeros(5), k=9))
        run = self.weft("run", kernel, "--inputs", self.inputs(a=np.zeros(5), k=-5), "--output", out)
        self.assertIsNone(run.complaint())
        self.assertIsNone(common.compare({"a": np.array([1.0, 0, 0, 0, 0])}, out))


class BadPython(Case):
    def refused(self, text, line, says=()):
        kernel = self.file("bad.py", text)
        run = self.weft("check", kernel, "--inputs", self.inputs(a=np.zeros(4)))
        self.assert_ends(run, 2, says=[f"bad.py:{line}", *says])

    def test_syntax_errors(self):
        self.refused("def bad(a):\n    a[0 = 1.0\n", 2)
        self.refused("def bad(a):\n    if a:\n", 2)
        self.refused("def bad(a b):\n    pass\n", 1)
        self.refused("def bad(a):\n\ta[0] = 1\n        a[1] = 2\n", 3)

    def test_what_is_not_supported_has_its_line(self):
        self.refused("def bad(a):\n    a[0] = 1.0\n    with open('x') as f:\n        pass\n", 3)
        self.refused("def bad(a):\n    a[0] = 1.0\n    eval('1')\n", 3)
        self.refused("import os\n\n\ndef bad(a):\n    os.abort()\n", 5)
        self.refused("def bad(a):\n    a[0] = nowhere\n", 2, says=["nowhere"])
        self.refused("def bad(a):\n    return a.no_such_thing()\n", 2, says=["no_such_thing"])

    def test_shapes_that_do_not_fit(self):
        kernel = self.file("bad.py", "def bad(a, b):\n    return a + b\n")
        run = self.weft("run", kernel, "--inputs", self.inputs(a=np.zeros(4), b=np.zeros(5)))
        self.assert_ends(run, 1, 2, says=["bad.py:2"])

    def test_recursion_without_end(self):
        self.refused("def bad(a):\n    return bad(a)\n", 2)

    def test_deep_nesting(self):
        for text in ("(" * 20000 + "a" + ")" * 20000, "-" * 20000 + "a", " + ".join(["a"] * 20000)):
            with self.subTest(text[:10]):
                kernel = self.file("deep.py", f"def deep(a):\n    return {text}\n")
                run = self.weft("check", kernel, "--inputs", self.inputs(a=np.zeros(4)))
                self.assertFalse(run.panicked, run.stderr)
                self.assertIn(run.status, (0, 2), run.stderr)

    def test_no_function(self):
        for text in ("", "x = 1\n", "# nothing here\n"):
            with self.subTest(text):
                run = self.weft("check", self.file("empty.py", text))
                self.assert_ends(run, 2, says=["empty.py"])

    def test_several_functions_and_none_chosen(self):
        kernel = self.file("two.py", "def one(a):\n    return a\n\n\ndef other(a):\n    return a\n")
        self.assert_ends(self.weft("check", kernel, "--inputs", self.inputs(a=np.zeros(4))), 2, says=["one", "other"])
        self.assert_ends(self.weft("check", kernel + "::third", "--inputs", self.inputs(a=np.zeros(4))), 2,
                         says=["third"])

    def test_bytes_that_are_no_text(self):
        self.assert_ends(self.weft("check", self.file("bytes.py", b"\xff\xfe\x00def f(a):\n")), 2, says=["bytes.py"])


KERNEL = "def twice(a):\n    return a + a\n"


class BadInputs(Case):
    def with_inputs(self, content):
        kernel = self.file("twice.py", KERNEL)
        return self.weft("run", kernel, "--inputs", self.file("in.npz", content))

    def test_garbage(self):
        with open(self.inputs(a=np.zeros(100)), "rb") as file:
            good = file.read()
        for content in (b"", b"PK", b"not an archive at all", good[:60], good[:-30], good[:200] + os.urandom(100),
                        np.random.default_rng(0).bytes(4096)):
            with self.subTest(content[:12]):
                self.assert_ends(self.with_inputs(content), 2, says=["in.npz"])

    def test_entries_that_do_not_fit(self):
        kernel = self.file("twice.py", KERNEL)
        for entries in ({}, {"b": np.zeros(3)}, {"a": np.array(["x"])}, {"a": np.zeros(3, dtype="M8[s]")}):
            with self.subTest(entries=str(entries)):
                self.assert_ends(self.weft("run", kernel, "--inputs", self.inputs(**entries)), 2, says=["a"])

    def test_pickles_are_not_opened(self):
        kernel = self.file("twice.py", KERNEL)
        np.savez(self.path("in.npz"), a=np.array([{}, 1], dtype=object))
        self.assert_ends(self.weft("run", kernel, "--inputs", self.path("in.npz")), 2, says=["a"])

    def test_no_inputs_and_no_spec(self):
        self.assert_ends(self.weft("run", self.file("twice.py", KERNEL)), 2, says=["twice"])

    def test_garbage_in_the_spec(self):
        self.file("twice.py", KERNEL)
        good = '[function]\nname = "twice"\n[sizes]\nS = { N = 4 }\n[args.a]\ntype = "float64"\nshape = ["N"]\n'
        for change in ("[function", "\0", "", good.replace("N\"]", "K\"]"), good.replace("float64", "float17"),
                       good.replace("shape", "form"), good.replace("args.a", "args.b"), good.replace("= 4", "= -4"),
                       good.replace("= 4", "= 9223372036854775807"), good.replace("N\"]", "N // 0\"]"),
                       good + 'fill = "mud"\n', good.replace("\"N\"", "\"(\"")):
            with self.subTest(change):
                self.file("twice.toml", change)
                self.assert_ends(self.weft("run", self.path("twice.py")), 1 if "9223" in change else 2, 2)
        self.file("twice.toml", good)
        self.assertIsNone(self.weft("run", self.path("twice.py")).complaint())


class BadGraphs(Case):
    def test_garbage(self):
        deep = '{"a":' * 100000 + "1" + "}" * 100000
        for content in ("", "{", "[]", "null", "{}", '{"type": "SDFG"}', deep, "\0" * 100, '{"type": "SDFG", "nodes": 3}',
                        json.dumps({"type": "SDFG", "attributes": {}, "nodes": [{"type": "SDFGState"}], "edges": []})):
            with self.subTest(content[:30]):
                self.assert_ends(self.weft("run", self.file("bad.sdfg", content)), 2, says=["bad.sdfg"])

    def test_compressed_garbage(self):
        for content in (b"", b"\x1f\x8b", b"\x1f\x8b\x08\x00garbage", b"plain"):
            with self.subTest(content):
                self.assert_ends(self.weft("run", self.file("bad.sdfgz", content)), 2, says=["bad.sdfgz"])

    def test_garbage_in_a_session(self):
        for content in ("", "{}", "\0\0"):
            with self.subTest(content):
                self.assert_ends(self.weft("run", self.file("bad.weft", content)), 2, says=["bad.weft"])

    def test_garbage_in_a_recipe(self):
        kernel = self.file("twice.py", KERNEL)
        for content in ("", "{", '{"x": 1}', '[{"transform": "NoSuchThing", "at": "m0"}]',
                        '[{"transform": "MapTiling", "at": "nowhere"}]'):
            with self.subTest(content):
                run = self.weft("run", kernel, "--inputs", self.inputs(a=np.zeros(4)), "--optimize",
                                self.file("recipe.json", content))
                self.assert_ends(run, 2)


class WrongUsage(Case):
    def test_files_that_are_not_there(self):
        for name in ("none.py", "none.sdfg", "none.sdfgz", "none.weft", "none", ""):
            with self.subTest(name):
                self.assert_ends(self.weft("run", name), 2)
        kernel = self.file("twice.py", KERNEL)
        self.assert_ends(self.weft("run", kernel, "--inputs", "none.npz"), 2, says=["none.npz"])

    def test_a_folder_in_place_of_a_file(self):
        os.mkdir(self.path("folder.py"))
        self.assert_ends(self.weft("run", self.path("folder.py")), 2, says=["folder.py"])

    def test_outputs_that_cannot_be_written(self):
        kernel, given = self.file("twice.py", KERNEL), self.inputs(a=np.zeros(4))
        for option in ("--output", "--report"):
            with self.subTest(option):
                self.assert_ends(self.weft("run", kernel, "--inputs", given, option, "no/such/folder/file"), 1, 2,
                                 says=["no/such/folder"])

    def test_options(self):
        kernel, given = self.file("twice.py", KERNEL), self.inputs(a=np.zeros(4))
        for extra in (["--no-such-option"], ["--optimize", "perfect"], ["--threads", "0"], ["--threads", "x"],
                      ["--device", "abacus"], ["--repeat", "-1"], ["--set", "a"], ["--time-budget", "nan"]):
            with self.subTest(" ".join(extra)):
                self.assert_ends(self.weft("run", kernel, "--inputs", given, *extra), 2)

    def test_names(self):
        self.assert_ends(self.weft("explain", "NoSuchThing"), 2, says=["NoSuchThing"])
        sample = os.path.join(common.SAMPLES, "gemm.py")
        self.assert_ends(self.weft("apply", sample, "NoSuchThing", "--output", "x.sdfg"), 2, says=["NoSuchThing"])
        self.assert_ends(self.weft("export", sample, "--to", "paper", "--output", "x"), 2)
        self.assert_ends(self.weft("no-such-command"), 2)

    def test_a_closed_pipe(self):
        process = subprocess.Popen([PROGRAM, "transforms"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env={**os.environ, **self.env})
        process.stdout.close()
        err = process.stderr.read().decode(errors="replace")
        process.stderr.close()
        process.wait(timeout=20)
        self.assertNotIn("panicked", err)


def mutate(content, rng):
    """A copy with bytes changed, cut, doubled or exchanged for something of another kind."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 2, 8, 60)))
        kind = rng.randrange(6)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at:to]
        elif kind == 2:
            data[at:at] = data[at:to] * rng.choice((1, 3))
        elif kind == 3:
            words = (b"-1", b"9223372036854775807", b"1e999", b"null", b"[", b"}", b'"', b"(", b"\n", b"0", b"N",
                     b"// 0", b"%", b"\xff", b"while True:", b"A", b"::", b"[::-1]", b"float32")
            data[at:at] = rng.choice(words)
        elif kind == 4:
            # Digits are where sizes and counts are.
            digits = [i for i, byte in enumerate(data) if 48 <= byte < 58]
            if digits:
                data[rng.choice(digits)] = rng.choice(b"0123456789-")
        elif at < len(data):
            del data[at:]
    return bytes(data)


# Calls a kind of file: few in every run, many with --all.
FEW, MANY = 6, 50
ALL = "--all" in sys.argv


class Mutations(Case):
    """Files that are nearly right: whatever happens, it is a result or a message, within ten seconds."""

    def survive(self, name, seeds, arguments):
        """`seeds`: the files to start from; `arguments`: of the program, given the changed file."""
        rng = random.Random(name)
        for turn in range(MANY if ALL else FEW):
            content = mutate(rng.choice(seeds), rng)
            path = self.file(name, content)
            with self.subTest(name=name, turn=turn):
                run = common.weft(PROGRAM, *arguments(path), timeout=10, env=self.env, cwd=self.folder)
                kept = os.path.join(tempfile.gettempdir(), f"weft-mutation-{turn}-{name}")
                try:
                    self.assertFalse(run.timed_out, f"still running after 10 s; the file is kept as {kept}")
                    self.assertFalse(run.panicked or "internal error" in run.stderr, run.stderr)
                    self.assertIn(run.status, (0, 1, 2), run.stderr)
                    self.assertTrue(run.status == 0 or run.stderr.strip(), "no message on stderr")
                except AssertionError:
                    with open(kept, "wb") as file:
                        file.write(content)
                    raise
        self.assert_nothing_lives()

    def read(self, *parts):
        with open(os.path.join(*parts), "rb") as file:
            return file.read()

    def test_arrays(self):
        kernel = self.file("twice.py", KERNEL)
        seeds = [self.read(self.inputs(a=np.arange(6.0).reshape(2, 3))), self.read(self.inputs(a=np.float32(2)))]
        self.survive("in.npz", seeds, lambda path: ["run", kernel, "--inputs", path])

    def test_specs(self):
        for sample in ("jacobi_1d", "cholesky", "hdiff"):
            self.file(sample + ".py", self.read(common.SAMPLES, sample + ".py"))
            seeds = [self.read(common.SAMPLES, sample + ".toml")]
            self.survive(sample + ".toml", seeds, lambda path: ["check", path[:-5] + ".py"])

    def test_kernels(self):
        for sample in ("jacobi_2d", "hdiff", "go_fast", "lstsqr"):
            self.file(sample + ".toml", self.read(common.SAMPLES, sample + ".toml"))
            seeds = [self.read(common.SAMPLES, sample + ".py")]
            self.survive(sample + ".py", seeds, lambda path: ["run", path, "--repeat", "0", "--no-cache"])

    def test_graphs(self):
        seeds = []
        for sample in ("jacobi_2d", "softmax"):
            for form in ("none", "auto"):
                path = self.path("good.sdfg")
                self.weft("export", os.path.join(common.SAMPLES, sample + ".py"), "--to", "sdfg", "--optimize", form,
                          "--output", path)
                content = json.loads(self.read(path))
                seeds.append(json.dumps(content).encode())
                # Without our own text, DaCe's form is what is read.
                seeds.append(json.dumps({k: v for k, v in content.items() if k != "_meta_weft"}).encode())
        sizes = ["--set", "N=12", "--set", "TSTEPS=3", "--set", "H=2", "--set", "SM=4"]
        self.survive("bad.sdfg", seeds, lambda path: ["run", path, "--repeat", "0", "--no-cache", *sizes])

    def test_sessions_and_recipes(self):
        sample = os.path.join(common.SAMPLES, "jacobi_2d.py")
        report = self.path("report.json")
        self.weft("run", sample, "--repeat", "0", "--report", report)
        recipe = json.loads(self.read(report))["recipe"]
        self.survive("recipe.json", [json.dumps(recipe).encode()],
                     lambda path: ["run", sample, "--repeat", "0", "--optimize", path])
        session = {"weft": 1, "file": sample, "size": "S", "recipe": recipe[:2], "redo": recipe[2:]}
        self.survive("bad.weft", [json.dumps(session).encode()], lambda path: ["run", path, "--repeat", "0"])


if __name__ == "__main__":
    if "--weft" in sys.argv:
        sys.exit("set WEFT_BIN to choose the program")
    common.run_tests()
