"""Where arguments come from, kernels of several files, watch mode and diagnostics, as a user types them."""

import json
import os
import signal
import subprocess

import numpy as np

import common
from robustness import Case, wait_for

PROGRAM = common.weft_path()

SCALE = """\
import numpy as np

def scale(TSTEPS, A, B):
    for t in range(TSTEPS):
        B[:] = A * 2.0 + B
"""

INIT = """\
import numpy as np

def initialize(N, value=3.0):
    return np.full((N, N), value), np.zeros((N, N))

def as_dict(N):
    return {"B": np.zeros((N,)), "A": np.ones((N,)), "TSTEPS": 4}

def raises(N):
    return np.zeros(N) / {}["nothing"]

def too_many(N):
    return np.zeros(N), np.zeros(N), np.zeros(N), np.zeros(N), np.zeros(N)

def listed(N):
    return [1, 2], np.zeros(N)
"""


class Init(Case):
    def run_init(self, init, *sets):
        kernel = self.file("scale.py", SCALE + INIT.replace("import numpy as np\n", ""))
        options = [part for s in sets for part in ("--set", s)]
        out = self.path("out.npz")
        return self.weft("run", f"{kernel}::scale", "--init", init, *options, "--output", out, "--repeat", "1"), out

    def test_a_tuple_goes_to_the_parameters_that_are_open(self):
        run, out = self.run_init("initialize", "N=5", "TSTEPS=3")
        self.assertEqual(run.status, 0, run.stderr)
        self.assertTrue((np.load(out)["B"] == 18.0).all())
        run, out = self.run_init("initialize", "N=5", "TSTEPS=1", "value=0.5")
        self.assertTrue((np.load(out)["B"] == 1.0).all())

    def test_the_function_that_makes_arguments_is_not_the_kernel(self):
        text = "import numpy as np\ndef kernel(x):\n    return x + 1\ndef make(N):\n    return np.zeros(N)\n"
        run = self.weft("run", self.file("two.py", text), "--init", "make", "--set", "N=3")
        self.assertEqual(run.status, 0, run.stderr)

    def test_a_dict_goes_by_names(self):
        run, out = self.run_init("as_dict", "N=7")
        self.assertEqual(run.status, 0, run.stderr)
        self.assertTrue((np.load(out)["B"] == 8.0).all())

    def test_a_function_of_another_file(self):
        other = self.file("init.py", INIT)
        run, _ = self.run_init(f"{other}::initialize", "N=5", "TSTEPS=3")
        self.assertEqual(run.status, 0, run.stderr)

    def test_what_goes_wrong_is_said(self):
        for init, sets, says in [
            ("initialize", [], ["initialize", "'N'", "--set N="]),
            ("raises", ["N=3"], ["KeyError", "nothing", "scale.py:"]),
            ("too_many", ["N=3"], ["5 values", "TSTEPS, A, B"]),
            ("listed", ["N=3", "TSTEPS=2"], ["value 1", "list"]),
            ("absent", ["N=3"], ["no function 'absent'"]),
            ("initialize", ["N=3"], ["2 values", "TSTEPS"]),
        ]:
            with self.subTest(init=init):
                run, _ = self.run_init(init, *sets)
                self.assert_ends(run, 2, says=says)


ANNOTATED = """\
import numpy as np
import numpy.typing as npt
import dace

N, M = (dace.symbol(s, dtype=dace.int64) for s in ('N', 'M'))
K = 3

def kernel(alpha: float, n: int, A: dace.float64[N, M], B: "dace.float32[M + 1, K]"):
    return alpha * A * n, B.sum()
"""


class Annotations(Case):
    def test_they_are_the_argument_spec(self):
        kernel = self.file("kernel.py", ANNOTATED)
        out = self.path("out.npz")
        run = self.weft("run", kernel, "--set", "N=4", "--set", "M=5", "--set", "n=2", "--output", out)
        self.assertEqual(run.status, 0, run.stderr)
        found = np.load(out)
        self.assertEqual((found["A"].shape, found["B"].shape), ((4, 5), (6, 3)))
        self.assertEqual((found["A"].dtype, found["B"].dtype), (np.float64, np.float32))
        run = self.weft("check", kernel, "--set", "N=4", "--set", "M=5", "--set", "n=2")
        self.assertIn("A: float64[N, M]", run.stdout)

    def test_sizes_that_are_missing_are_all_named(self):
        run = self.weft("check", self.file("kernel.py", ANNOTATED), "--set", "N=4")
        self.assert_ends(run, 2, says=["kernel.py:8:", "'M'", "'n'", "--set M=", "--set n=", "^^^"])

    def test_arguments_must_agree(self):
        kernel = self.file("kernel.py", ANNOTATED)
        inputs = self.inputs(alpha=1.0, n=2, A=np.zeros((2, 2), np.float32), B=np.zeros(3, np.float32))
        run = self.weft("check", kernel, "--inputs", inputs)
        says = ["'A' is annotated as an array of float64, and one of float32", "'B'", "2 dimensions", "kernel.py:8:37"]
        self.assert_ends(run, 2, says=says)
        inputs = self.inputs(alpha=1.0, n=2, A=np.zeros((2, 2)), B=np.zeros((3, 3), np.float32))
        self.assertEqual(self.weft("check", kernel, "--inputs", inputs).status, 0)

    def test_types_without_extents_need_arguments(self):
        text = "import numpy as np\nimport numpy.typing as npt\ndef f(a: npt.NDArray[np.float64], b):\n    return a\n"
        run = self.weft("check", self.file("f.py", text))
        self.assert_ends(run, 2, says=["extents", "'b'", "--inputs", "--init"])


HELPERS = """\
import numpy as np
from .inner import FACTOR

def twice(x, factor=FACTOR):
    total = np.zeros_like(x)
    for i in range(x.shape[0]):
        total[i] = factor * x[i] + len((1, 2))
    return total
"""


class SeveralFiles(Case):
    def package(self, helpers=HELPERS):
        os.makedirs(self.path("parts/inner"), exist_ok=True)
        self.file("parts/__init__.py", "from .ops import twice\n")
        self.file("parts/ops.py", helpers)
        self.file("parts/inner/__init__.py", "FACTOR = 2.0\n")
        self.file("shift.py", "import numpy as np\nSHIFT = 1.0\ndef shifted(x):\n    return x + SHIFT\n")
        return self.file(
            "kernel.py",
            "import numpy as np\nimport shift\nimport parts as p\nfrom shift import SHIFT as S\n\n"
            "def len(x):\n    return 100\n\n"
            "def kernel(x):\n    return shift.shifted(p.twice(x)) * S + p.ops.FACTOR\n",
        )

    def test_modules_and_packages_beside_the_file(self):
        kernel, out = self.package(), self.path("out.npz")
        x = np.arange(6.0)
        report = self.path("report.json")
        run = self.weft("run", f"{kernel}::kernel", "--inputs", self.inputs(x=x), "--output", out, "--baseline",
                        "numpy", "--repeat", "1", "--report", report)
        self.assertEqual(run.status, 0, run.stderr)
        np.testing.assert_array_equal(np.load(out)["return_0"], x * 2 + 2 + 1 + 2)
        with open(report) as file:
            self.assertEqual(json.load(file)["baseline"]["max_rel_error"], 0.0)

    def test_a_kernel_inside_of_a_package(self):
        self.package()
        x, out = np.arange(4.0), self.path("out.npz")
        run = self.weft("run", self.path("parts/ops.py") + "::twice", "--inputs", self.inputs(x=x), "--output", out,
                        "--baseline", "numpy", "--repeat", "1")
        self.assertEqual(run.status, 0, run.stderr)
        self.assertNotIn("no baseline", run.stderr)
        np.testing.assert_array_equal(np.load(out)["return_0"], x * 2 + 2)

    def test_problems_are_in_their_files(self):
        kernel = self.package(HELPERS.replace("len((1, 2))", "open('x')"))
        inputs = self.inputs(x=np.arange(4.0))
        run = self.weft("check", f"{kernel}::kernel", "--inputs", inputs)
        self.assert_ends(run, 2, says=["parts/ops.py:7:", "open('x')", "^^^"])
        run = self.weft("check", f"{kernel}::kernel", "--inputs", inputs, "--json")
        problem = json.loads(run.stdout)["problems"][0]
        self.assertTrue(problem["file"].endswith("parts/ops.py"), problem)
        self.assertEqual(problem["line"], 7)
        kernel = self.package("def twice(x:\n    return x\n")
        run = self.weft("check", f"{kernel}::kernel", "--inputs", inputs)
        self.assert_ends(run, 2, says=["parts/ops.py:1:"])

    def test_the_graph_keeps_the_places(self):
        kernel, sdfg = self.package(), self.path("k.sdfg")
        run = self.weft("export", f"{kernel}::kernel", "--inputs", self.inputs(x=np.arange(4.0)), "--to", "sdfg",
                        "--output", sdfg)
        self.assertEqual(run.status, 0, run.stderr)
        text = open(sdfg).read()
        self.assertIn("shift.py", text)
        self.assertIn("parts/ops.py", text)


class Diagnostics(Case):
    def test_all_problems_with_their_lines(self):
        text = "import numpy as np\n\ndef f(a):\n    b = a + open('x')\n    c = np.sort2(a)\n    return a\n"
        run = self.weft("check", self.file("f.py", text), "--inputs", self.inputs(a=np.zeros(3)))
        self.assert_ends(run, 2, says=["f.py:4:", "    b = a + open('x')", "f.py:5:", "^"])

    def test_all_syntax_errors(self):
        run = self.weft("check", self.file("f.py", "def f(a):\n    b = = 1\n    return a\n\ndef g(:\n    pass\n"))
        self.assert_ends(run, 2, says=["f.py:2:", "f.py:5:"])


class Watch(Case):
    def test_a_save_runs_again(self):
        self.file("helper.py", "def f(x):\n    return x + 1.0\n")
        kernel = self.file("k.py", "import helper\ndef k(x):\n    return helper.f(x)\n")
        inputs, out = self.inputs(x=np.zeros(64)), self.path("out.npz")
        recipe = self.file("steps.json", json.dumps([
            {"transform": "MapTiling", "at": "m_0", "params": {"sizes": [8]}},
            {"transform": "MapTiling", "at": "nowhere"}]))
        log = open(self.path("log"), "w+")
        process = subprocess.Popen(
            [PROGRAM, "run", kernel, "--inputs", inputs, "--output", out, "--optimize", recipe, "--repeat", "2",
             "--watch"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
            env={**os.environ, **self.env})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def said(text, times):
            return wait_for(lambda: open(self.path("log")).read().count(text) >= times, 60)

        watching = "save to run again"
        self.assertTrue(said(watching, 1), open(self.path("log")).read())
        self.assertTrue((np.load(out)["return_0"] == 1.0).all())
        self.assertTrue(said("step 2 no longer applies", 1), open(self.path("log")).read())
        self.file("helper.py", "def f(x):\n    return x + 22.0\n")
        self.assertTrue(said(watching, 2), open(self.path("log")).read())
        self.assertTrue((np.load(out)["return_0"] == 22.0).all())
        self.file("helper.py", "def f(x):\n    return open(x)\n")
        self.assertTrue(said(watching, 3), open(self.path("log")).read())
        self.assertTrue(said("helper.py:2:", 1))
        self.file("helper.py", "def f(x):\n    return x - 1.0\n")
        self.assertTrue(said(watching, 4), open(self.path("log")).read())
        self.assertTrue((np.load(out)["return_0"] == -1.0).all())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 130)
        log.close()
        self.assert_nothing_lives(2)


if __name__ == "__main__":
    common.run_tests()
