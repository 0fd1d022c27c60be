"""Checks of the samples and of the test scripts themselves; the program is not called."""

import ast
import glob
import inspect
import os
import unittest

import numpy as np

import common
import differential


def accepted_sizes(kernel):
    """Unequal sizes that every kernel computes something with."""
    if common.SMALL in kernel.presets:
        return kernel.presets[common.SMALL]
    few = differential.has_few(kernel.symbols)
    return dict(zip(kernel.symbols, (17, 19, 18, 16, 13) if few else differential.SMALL_PRIMES))


class Samples(unittest.TestCase):
    def test_there_are_fifty_seven(self):
        self.assertEqual(len(common.samples()), 57)
        stems = {os.path.basename(path)[:-3] for path in glob.glob(os.path.join(common.SAMPLES, "*.py"))}
        self.assertEqual(stems, {kernel.name for kernel in common.samples()})

    def test_spec_and_signature_name_the_same_arguments(self):
        for kernel in common.samples():
            with self.subTest(kernel.name):
                made = kernel._make({**kernel.presets["S"], **dict.fromkeys(kernel.symbols, 4)}, np.random.default_rng(0))
                self.assertEqual(kernel.function, kernel.name)
                self.assertEqual(sorted(made), sorted(inspect.signature(kernel.load()).parameters))

    def test_every_preset_sets_the_same_symbols(self):
        for kernel in common.samples():
            with self.subTest(kernel.name):
                self.assertEqual(tuple(p for p in kernel.presets if p != common.SMALL), common.PRESETS)
                for sizes in kernel.presets.values():
                    self.assertEqual(list(sizes), list(kernel.presets["S"]))
                    self.assertLessEqual(set(kernel.symbols), {s for s, v in sizes.items() if type(v) is int})

    def test_kernels_say_what_they_compute(self):
        for kernel in common.samples():
            with self.subTest(kernel.name):
                self.assertTrue(inspect.getdoc(kernel.load()))

    def test_results_are_finite(self):
        for kernel in common.samples():
            if kernel.name.startswith("azimint"):
                continue  # a ring without points has no mean
            with self.subTest(kernel.name):
                for name, value in common.reference(kernel.load(), kernel.inputs(accepted_sizes(kernel))).items():
                    self.assertTrue(np.all(np.isfinite(value)), name)

    def test_a_parameter_with_a_default_may_be_left_out(self):
        kernel = common.sample("crc16")
        inputs = kernel.inputs({"N": 9})
        with_default = common.reference(kernel.load(), {"data": inputs["data"]})
        self.assertEqual(with_default["return_0"], common.reference(kernel.load(), inputs)["return_0"])

    def test_data_are_the_same_each_time(self):
        kernel = common.sample("hdiff")
        first, second = (kernel.inputs({"I": 3, "J": 4, "K": 5}, seed=7) for _ in range(2))
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])


class Expressions(unittest.TestCase):
    def test_arithmetic(self):
        self.assertEqual(common.evaluate("(N + 4) * 2 - M // 3 % 2", {"N": 5, "M": 7}), 18)
        self.assertEqual(common.evaluate(1.5, {}), 1.5)
        self.assertEqual(common.evaluate("1 / (2 * N) + h", {"N": 2, "h": 0.5}), 0.75)

    def test_anything_else_is_refused(self):
        for text in ("K", "N ** 2", "f(N)", "N.real", "True"):
            with self.subTest(text), self.assertRaises(ValueError):
                common.evaluate(text, {"N": 1})

    def test_an_extent_is_an_integer(self):
        self.assertEqual(common.integer("2 * N", {"N": 2}), 4)
        for text in ("N / 2", "1.5", "h"):
            with self.subTest(text), self.assertRaises(ValueError):
                common.integer(text, {"N": 2, "h": 2.0})


class Fills(unittest.TestCase):
    def fill(self, kind, shape, dtype="float64"):
        return common.fill(kind, shape, dtype, np.random.default_rng(0), {"N": 4})

    def test_bounds_are_expressions(self):
        data = self.fill("uniform:-1 / N:1 / N", 100)
        self.assertTrue(np.all(np.abs(data) <= 0.25) and np.any(data < 0))
        self.assertEqual(set(self.fill("integers:N - 1:N + 1", 100, "int32")), {3, 4})

    def test_both_parts_of_complex_numbers(self):
        data = self.fill("uniform:2:3", 100, "complex128")
        for part in (data.real, data.imag):
            self.assertTrue(np.all((2 <= part) & (part < 3)))

    def test_row_pointers_ascend_from_zero_to_the_last(self):
        data = self.fill("row_pointers:10 * N", 9, "uint32")
        self.assertEqual((data[0], data[-1], data.dtype), (0, 40, np.uint32))
        self.assertTrue(np.all(np.diff(data.astype(int)) >= 0))


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
                    inputs = kernel.inputs(accepted_sizes(kernel))
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
