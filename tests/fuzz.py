"""Random NumPy programs: each is run by NumPy and by Weft, and the results are compared.

    tests/fuzz.py 20000                 that many programs; --seed S for others
    tests/fuzz.py 500 --optimize all    on every level, not on one that the program's number picks
    tests/fuzz.py --show 17             the program with that number
    tests/fuzz.py --again FILE ...      programs that were found before (tests/fuzz-found/*.py)
    tests/fuzz.py --set                 the fixed small set

Verdicts: right, refused (counted by reason), wrong, crashed (the program, its worker, or a graph that is not
valid), hung. Compared are dtype, shape, places of NaN and infinities, integers exactly, floats within
1e-10 (float32: 1e-4), scaled to the array. What cannot be compared is not made: see fuzz_programs.py.

A program that is wrong, crashes or hangs is made smaller, as long as the same happens, and written to
tests/fuzz-found (--found DIR), with its arguments. `weft run` takes it after
`python tests/fuzz.py --again FILE --inputs IN.npz`, which writes the arguments.
"""

import argparse
import ast
import collections
import concurrent.futures
import concurrent.futures.process
import multiprocessing.util
import os
import re
import sys
import time
import warnings

import numpy as np

import batch as runner
import common
import fuzz_statements
import numpy_examples
from fuzz_programs import used_function

LEVELS = ("none", "simplify", "auto")
FOUND = os.path.join(common.ROOT, "tests", "fuzz-found")
# The fixed set: these many programs from this seed.
SET = (150, 424242)
BAD = (runner.WRONG, runner.CRASHED, runner.HUNG)


def level_of(number):
    return LEVELS[number % 3]


def expected_of(program):
    """NumPy's results."""
    scope = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        exec(compile(program.source(), "program", "exec"), scope)
        return common.reference(scope["kernel"], program.arguments)


# ---- one program, in a process of the pool ----

BATCH = None


def start(path, limit):
    global BATCH
    warnings.simplefilter("ignore")
    BATCH = runner.Batch(path, limit=limit)
    # `atexit` does not run in a process of a pool.
    multiprocessing.util.Finalize(BATCH, BATCH.close, exitpriority=1)


def judge(program, level):
    try:
        expected = expected_of(program)
    except Exception as error:  # whatever NumPy says
        return runner.SKIPPED, str(error)
    return runner.judge(BATCH, program.source(), "kernel", program.arguments, expected, level)


def try_one(task):
    """Judges the program with this number on these levels; (number, results, what it uses)."""
    number, levels, folder = task
    grown = fuzz_statements.grow(number)
    if grown is None:
        return number, [], []
    program, results = grown.program, []
    for level in levels:
        verdict, message = judge(program, level)
        path = None
        if verdict in BAD and folder:
            small = smaller(program, level, verdict, message)
            path = write(small, number, level, verdict, folder)
        results.append((level, verdict, message, path))
    return number, results, grown.used


# ---- making a program smaller ----


def kind_of(verdict, message):
    """What has to stay the same: the verdict, and roughly what is wrong."""
    if verdict == runner.WRONG:
        return verdict, re.sub(r"^\w+: ", "", message)[:8]
    return verdict, runner.reason_of(message)[:40]


def copy_of(program, **changes):
    made = type(program)()
    for field in ("arguments", "helpers", "statements", "returns"):
        setattr(made, field, changes.get(field, getattr(program, field)).copy())
    return made


def smaller(program, level, verdict, message):
    """Drops results, statements, helpers and arguments as long as the same goes wrong."""
    wanted = kind_of(verdict, message)
    deadline = time.monotonic() + (60 if verdict == runner.HUNG else 30)

    def still(candidate):
        return time.monotonic() < deadline and kind_of(*judge(candidate, level)) == wanted

    match = re.match(r"return_(\d+): ", message)
    if match and int(match[1]) < len(program.returns):
        candidate = copy_of(program, returns=[program.returns[int(match[1])]])
        program = candidate if still(candidate) else program
    changed = True
    while changed and time.monotonic() < deadline:
        changed = False
        for at in range(len(program.statements) - 1, -1, -1):
            candidate = copy_of(program, statements=program.statements[:at] + program.statements[at + 1:])
            if still(candidate):
                program, changed = candidate, True
        for name in list(program.returns):
            if len(program.returns) > 1:
                candidate = copy_of(program, returns=[n for n in program.returns if n != name])
                if still(candidate):
                    program, changed = candidate, True
    text = "\n".join(program.statements) + " " + " ".join(program.returns)
    words = set(re.findall(r"\w+", text))
    candidate = copy_of(program, helpers=[h for h in program.helpers if re.match(r"def (\w+)", h)[1] in words],
                        arguments={n: v for n, v in program.arguments.items() if n in words})
    return candidate if still(candidate) else program


def literal(value):
    """Python text of a value."""
    if isinstance(value, np.ndarray):
        with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
            order = ", order='F'" if value.ndim > 1 and value.flags.f_contiguous and not value.flags.c_contiguous else ""
            return f"np.array({value.tolist()!r}, dtype='{value.dtype.name}'{order}).reshape({value.shape!r}{order})"
    return repr(value)


def write(program, number, level, verdict, folder):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{verdict}_{number}_{level}.py")
    arguments = "".join(f"        {name}={literal(value)},\n" for name, value in program.arguments.items())
    text = (f'"""{verdict} with --optimize {level} (program {number}).\n\n'
            f'Run again: python tests/fuzz.py --again tests/fuzz-found/{os.path.basename(path)}\n"""\n'
            f"{program.source()}\n\n"
            f"def arguments():\n    nan, inf = np.nan, np.inf\n    nanj, infj = complex(0, nan), complex(0, inf)\n    return dict(\n{arguments}    )\n")
    with open(path, "w") as file:
        file.write(text)
    return path


# ---- programs from files ----


def again(options, program):
    """Judges files that `write` has written, on all levels."""
    failed = 0
    for path in options.again:
        made = common.load_function(path, "arguments")()
        if options.inputs:
            common.save_inputs(options.inputs, made)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = common.reference(common.load_function(path, "kernel"), made)
        with runner.Batch(program) as batch:
            for level in options.levels:
                outcome = batch.run_file(os.path.abspath(path), "kernel", made, level)
                verdict, message = runner.judged(*outcome, expected)
                failed += verdict != runner.RIGHT
                print(f"{verdict} {os.path.basename(path)} ({level}) {message}")
    total = len(options.again) * len(options.levels)
    print(f"{total - failed} passed, {failed} failed")
    sys.exit(failed > 0)


# ---- the report ----


def coverage(counts):
    """A table of function by element type, and what has no count at all."""
    types = [np.dtype(t).name for t in numpy_examples.TYPES] + ["python"]
    short = [t.replace("complex", "c").replace("float", "f").replace("uint", "u").replace("int", "i") for t in types]
    rows = [f"{'function':28}" + "".join(f"{s[:6]:>7}" for s in short)]
    functions = sorted({function for function, _ in counts} | set(surface()))
    for function in functions:
        rows.append(f"{function:28}" + "".join(f"{counts[(function, t)] or '.':>7}" for t in types))
    never = [f for f in functions if not any(counts[(f, t)] for t in types)]
    rows.append(f"{len(functions)} functions, {len(never)} of them never: {', '.join(never) or 'none'}")
    return "\n".join(rows)


def surface():
    """Every function that the examples use."""
    found = set()
    for example in fuzz_statements.EXAMPLES:
        try:
            tree = ast.parse(example.source()[1])
        except SyntaxError:
            continue
        found |= {used_function(node) for node in ast.walk(tree)} - {None}
    return found


# So many programs are made by the processes of one pool.
SLICE = 200


def outcomes(options, program, tasks):
    """The results of all tasks, in order. NumPy itself may end a process: such a program is left out."""
    def pool(jobs, some):
        with concurrent.futures.ProcessPoolExecutor(jobs, initializer=start, initargs=(program, options.limit)) as made:
            return list(made.map(try_one, some, chunksize=4))

    for first in range(0, len(tasks), SLICE):
        some = tasks[first:first + SLICE]
        try:
            yield from pool(options.jobs, some)
            continue
        except concurrent.futures.process.BrokenProcessPool:
            pass
        for task in some:
            try:
                yield from pool(1, [task])
            except concurrent.futures.process.BrokenProcessPool:
                print(f"program {task[0]} is left out: NumPy ended its process", flush=True)


def run_many(options, program):
    tasks = []
    for number in range(options.seed, options.seed + options.count):
        tasks.append((number, options.levels if options.all_levels else [level_of(number)], options.found))
    counts, reasons, covered, refused_by = (collections.Counter() for _ in range(4))
    start_time, made = time.monotonic(), 0
    for number, results, used in outcomes(options, program, tasks):
        made += bool(results)
        for level, verdict, message, path in results:
            counts[verdict] += 1
            if verdict == runner.REFUSED:
                reasons[runner.reason_of(message)] += 1
                if options.verbose:
                    print(f"refused {number} ({level}): {message}")
            elif verdict in BAD:
                print(f"{verdict.upper()} {number} ({level}): {message.strip().splitlines()[0][:300]}"
                      + (f" -> {os.path.relpath(path)}" if path else ""), flush=True)
            if verdict == runner.RIGHT:
                covered.update(set(used))
            elif verdict == runner.REFUSED:
                refused_by.update(set(used))
        if made and made % 1000 == 0 and results:
            print(f"... {made} programs, {time.monotonic() - start_time:.0f} s", flush=True)
    report(options, counts, reasons, covered, made, time.monotonic() - start_time)


def report(options, counts, reasons, covered, made, seconds):
    if not options.quiet:
        print("function by element type, in programs that were right:")
        print(coverage(covered))
    if reasons:
        print("refusals by reason:")
        for reason, count in reasons.most_common(options.reasons):
            print(f"{count:6}  {reason}")
    total = sum(counts[v] for v in runner.VERDICTS)
    print(f"{made} programs, {total} runs in {seconds:.0f} s: "
          + ", ".join(f"{counts[v]} {v}" for v in runner.VERDICTS)
          + f" ({100 * counts[runner.REFUSED] / max(total, 1):.1f} % refused)")
    failed = sum(counts[v] for v in BAD)
    failed += max(0, counts[runner.REFUSED] - total * options.refused // 100)
    print(f"{total - failed} passed, {failed} failed")
    sys.exit(failed > 0)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=1000, help="programs (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first one")
    parser.add_argument("--weft", help="the program (default: WEFT_BIN or target/debug/weft)")
    parser.add_argument("--optimize", choices=(*LEVELS, "all"), help="default: one of them, by the program's number")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--refused", type=int, default=2, metavar="PERCENT", help="more refusals fail (default: 2)")
    parser.add_argument("--limit", type=int, default=20, help="seconds that a kernel may take")
    parser.add_argument("--found", default=FOUND, help="folder for what goes wrong (default: tests/fuzz-found)")
    parser.add_argument("--reasons", type=int, default=60, help="so many reasons are listed")
    parser.add_argument("--quiet", "-q", action="store_true", help="no table of coverage")
    parser.add_argument("--verbose", "-v", action="store_true", help="every refusal in full")
    parser.add_argument("--extra", action="store_true", help="also functions beyond those that Weft promises")
    parser.add_argument("--set", action="store_true", help="the fixed small set")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print a program and end")
    parser.add_argument("--again", nargs="+", metavar="FILE", help="run files from fuzz-found")
    parser.add_argument("--inputs", metavar="IN.npz", help="with --again: write the arguments there")
    options = parser.parse_args()
    options.levels = [options.optimize] if options.optimize in LEVELS else list(LEVELS)
    options.all_levels = options.optimize is not None
    if options.set:
        options.count, options.seed = SET
        options.found = None
    return options


def main():
    options = parse_options()
    warnings.simplefilter("ignore")
    if options.show is not None:
        grown = fuzz_statements.grow(options.show)
        print(grown.program.source() if grown else "no program")
        for name, value in grown.program.arguments.items() if grown else ():
            print(f"{name} = {literal(value)}")
        return
    program = common.weft_path(options.weft)
    if options.again:
        again(options, program)
    run_many(options, program)


if __name__ == "__main__":
    main()
