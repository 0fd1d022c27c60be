"""Checks of the samples and of the test scripts themselves; the program is not called."""

import ast
import glob
import inspect
import os
import unittest

import numpy as np

import common
import differential


class Samples(unittest.TestCase):
    def test_there_are_seventeen(self):
        self.assertEqual(len(common.samples()), 17)
        stems = {os.path.basename(path)[:-3] for path in glob.glob(os.path.join(common.SAMPLES, "*.py"))}
        self.assertEqual(stems, {kernel.name for kernel in common.samples()})

    def test_spec_and_signature_name_the_same_arguments(self):
        for kernel in common.samples():
            with self.subTest(kernel.name):
                made = kernel._make(dict.fromkeys(kernel.symbols, 4), np.random.default_rng(0))
                self.assertEqual(kernel.function, kernel.name)
                self.assertEqual(sorted(made), sorted(inspect.signature(kernel.load()).parameters))

    def test_every_preset_sets_the_same_symbols(self):
        for kernel in common.samples():
            with self.subTest(kernel.name):
                self.assertEqual(tuple(kernel.presets), common.PRESETS)
                for sizes in kernel.presets.values():
                    self.assertEqual(list(sizes), kernel.symbols)

    def test_kernels_say_what_they_compute(self):
        for kernel in common.samples():
            with self.subTest(kernel.name):
                self.assertTrue(inspect.getdoc(kernel.load()))

    def test_results_are_finite(self):
        for kernel in common.samples():
            with self.subTest(kernel.name):
                inputs = kernel.inputs(dict(zip(kernel.symbols, (17, 19, 13, 11))))
                for name, value in common.reference(kernel.load(), inputs).items():
                    self.assertTrue(np.all(np.isfinite(value)), name)

    def test_data_are_the_same_each_time(self):
        kernel = common.sample("hdiff")
        first, second = (kernel.inputs({"I": 3, "J": 4, "K": 5}, seed=7) for _ in range(2))
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])


class Expressions(unittest.TestCase):
    def test_arithmetic(self):
        self.assertEqual(common.evaluate("(N + 4) * 2 - M // 3 % 2", {"N": 5, "M": 7}), 18)
        self.assertEqual(common.evaluate(1.5, {}), 1.5)

    def test_anything_else_is_refused(self):
        for text in ("K", "N ** 2", "N / 2", "f(N)", "N.real", "1.5"):
            with self.subTest(text), self.assertRaises(ValueError):
                common.evaluate(text, {"N": 1})


class Comparison(unittest.TestCase):
    def assert_equal(self, expected, got):
        self.assertIsNone(common.difference(np.asarray(expected), np.asarray(got)))

    def assert_different(self, expected, got, words):
        self.assertIn(words, common.difference(np.asarray(expected), np.asarray(got)) or "equal")

    def test_rounding_is_accepted(self):
        self.assert_equal([1.0, 1e9], [1.0 + 1e-13, 1e9 + 1e-3])
        self.assert_equal([1e-14, 1.0], [0.0, 1.0])
        self.assert_equal(np.float32([1.0]), np.float32([1.00001]))

    def test_more_than_rounding_is_not(self):
        self.assert_different([1.0, 2.0], [1.0, 2.0 + 1e-8], "1 of 2 differ, first at [1]")
        self.assert_different(np.float32([1.0]), np.float32([1.01]), "1 of 1 differ")
        self.assert_different([1.0], [np.inf], "1 of 1 differ")

    def test_integers_are_exact(self):
        self.assert_equal([1, 2], [1, 2])
        self.assert_different([1, 10**15], [1, 10**15 + 1], "1 of 2 differ")

    def test_types_and_shapes_are_exact(self):
        self.assert_different(np.float32([1]), np.float64([1]), "dtype")
        self.assert_different(np.int32([1]), np.int64([1]), "dtype")
        self.assert_different(np.zeros((1, 2)), np.zeros((2, 1)), "shape")
        self.assert_different(np.zeros(()), np.zeros(1), "shape")

    def test_nan_and_infinity_have_their_places(self):
        self.assert_equal([np.nan, np.inf, 1.0], [np.nan, np.inf, 1.0])
        self.assert_different([np.nan, 1.0], [1.0, np.nan], "NaN")
        self.assert_different([np.inf], [-np.inf], "differ")
        self.assert_different([np.inf, 1.0], [1.0, 1.0], "differ")

    def test_empty_arrays(self):
        self.assert_equal(np.zeros((0, 3)), np.zeros((0, 3)))
        self.assert_different(np.zeros((0, 3)), np.zeros((3, 0)), "shape")


class Reference(unittest.TestCase):
    def test_arguments_and_results_by_name(self):
        def kernel(a, k):
            a += k
            return a[0], 2

        given = {"a": np.zeros(3), "k": 5}
        found = common.reference(kernel, given)
        self.assertEqual(list(found), ["a", "return_0", "return_1"])
        self.assertEqual(found["a"].tolist(), [5.0, 5.0, 5.0])
        self.assertEqual(given["a"].tolist(), [0.0, 0.0, 0.0])

    def test_files_keep_type_and_order(self):
        with common.Scratch() as folder:
            path = os.path.join(folder, "in.npz")
            common.save_inputs(path, {"n": 3, "x": np.float32(1.5), "A": np.asfortranarray(np.ones((3, 4)))})
            with np.load(path) as file:
                self.assertIs(type(common.as_argument(file["n"])), int)
                self.assertIs(type(common.as_argument(file["x"])), np.float32)
                self.assertTrue(common.as_argument(file["A"]).flags.f_contiguous)

    def test_outputs_that_lack_an_entry_are_seen(self):
        with common.Scratch() as folder:
            path = os.path.join(folder, "out.npz")
            np.savez(path, a=np.zeros(2))
            self.assertIsNone(common.compare({"a": np.zeros(2)}, path))
            self.assertIn("entries", common.compare({"a": np.zeros(2), "return_0": np.zeros(1)}, path))
            self.assertIn("cannot be read", common.compare({}, os.path.join(folder, "none.npz")))


class Renaming(unittest.TestCase):
    def test_a_renamed_kernel_computes_the_same(self):
        with common.Scratch() as folder:
            for kernel in common.samples():
                with self.subTest(kernel.name):
                    path, function, parameters = differential.renamed(kernel, 5, folder)
                    inputs = kernel.inputs(dict.fromkeys(kernel.symbols, 6))
                    copy = common.load_function(path, function)
                    self.assertEqual(list(inspect.signature(copy).parameters), list(parameters.values()))
                    want = common.reference(kernel.load(), inputs)
                    got = common.reference(copy, {parameters[name]: value for name, value in inputs.items()})
                    for name, value in want.items():
                        np.testing.assert_array_equal(value, got[parameters.get(name, name)])

    def test_no_old_name_is_left_in_the_function(self):
        with common.Scratch() as folder:
            kernel = common.sample("heat_3d")
            path, _, parameters = differential.renamed(kernel, 5, folder)
            with open(path) as file:
                function = ast.parse(file.read()).body[-1]
            words = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
            self.assertFalse(words & {"A", "B", "TSTEPS", "step"})
            self.assertTrue(set(parameters.values()) <= words)


if __name__ == "__main__":
    common.run_tests()
