"""Reads DaCe's files and says of each: read, verified, written back, equal.

    python tests/sdfg_files.py                 the repository's own files, and spoiled copies of them
    python tests/sdfg_files.py DIR …           all .sdfg and .sdfgz files below the folders

A file is equal if what `weft export --to sdfg` writes is the same JSON up to the order of keys. With
--mutations N, N copies with something changed or lost: each must be answered, with a message that says
where in the file, or with a graph; never with a panic, a hang or more than 1 GiB of memory.
"""

import argparse
import collections
import concurrent.futures
import glob
import gzip
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile

import common

FIXTURES = os.path.join(common.ROOT, "ir", "fixtures", "dace")
LIMIT = 1 << 30
FOREIGN = re.compile(r'\bforeign .*?"((?:[^"\\]|\\.)*)" json')


def text_of(path):
    with open(path, "rb") as file:
        data = file.read()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()


def inspect(program, path, folder):
    """What became of a file: read, verified and written, whether it is equal, foreign parts, a complaint."""
    stem = os.path.join(folder, str(abs(hash(path))))
    back = common.weft(program, "export", path, "--to", "sdfg", "--output", stem + ".sdfg")
    if back.complaint():
        return False, False, set(), back.complaint()
    shown = common.weft(program, "export", path, "--to", "text", "--output", stem + ".weft")
    if shown.complaint():
        return False, False, set(), shown.complaint()
    equal = json.loads(text_of(stem + ".sdfg")) == json.loads(text_of(path))
    with open(stem + ".weft") as file:
        foreign = set(FOREIGN.findall(file.read()))
    os.remove(stem + ".sdfg")
    os.remove(stem + ".weft")
    return True, equal, foreign, None if equal else "written back differently"


# ---- spoiled files ----


def places(value, found, at=()):
    found.append(at)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        places(inner, found, (*at, key))
    return found


WRONG = (None, -1, 10**30, 1e308, "", "x*(", "9" * 4000, "N**99999", [], {}, [[]], True, "(" * 3000, "$.x", "0", 7)


def mutated(text, rng):
    """The text with one thing wrong, and what that is."""
    kind = rng.choice(("cut", "byte", "value", "value", "value", "lost", "twice", "swap"))
    if kind == "cut":
        return text[:rng.randrange(len(text))], kind
    if kind == "byte":
        at = rng.randrange(len(text))
        return text[:at] + chr(rng.randrange(32, 127)) + text[at + 1:], kind
    root = json.loads(text)
    at = rng.choice(places(root, [])[1:])
    holder = root
    for key in at[:-1]:
        holder = holder[key]
    if kind == "value":
        holder[at[-1]] = rng.choice(WRONG)
    elif kind == "lost":
        del holder[at[-1]]
    elif kind == "twice" and isinstance(holder, list):
        holder.insert(rng.randrange(len(holder) + 1), holder[at[-1]])
    elif kind == "swap" and isinstance(holder, (list, dict)):
        other = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        holder[at[-1]], holder[other] = holder[other], holder[at[-1]]
    return json.dumps(root), f"{kind} at {'.'.join(map(str, at))}"


def handmade(text):
    """Spoiled in ways that chance seldom finds."""
    yield "[" * 10_000, "10,000 lists in each other"
    yield '{"a":' * 10_000 + "1" + "}" * 10_000, "10,000 objects in each other"
    root = json.loads(text)
    for state in (n for n in root["nodes"] if n.get("edges")):
        edge = state["edges"][0]
        src, dst = edge["src"], edge["dst"]
        for new in ("99999", "-1", "x", None, 1.5):
            edge["dst"] = new
            yield json.dumps(root), f"an edge to {new}"
        edge["src"], edge["dst"] = dst, src
        yield json.dumps(root), "an edge turned round"
        edge["src"], edge["dst"] = src, dst
        for i, node in enumerate(state["nodes"]):
            if node["type"] == "MapExit":
                node["scope_entry"] = str(i)
                yield json.dumps(root), "a scope of itself"
        break


def answer(program, text, path):
    """A complaint about how the program answers a spoiled file, or None."""
    with open(path, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    process = subprocess.Popen([program, "check", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, preexec_fn=limit)
    try:
        _, err = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "hangs"
    err = err.decode(errors="replace")
    if process.returncode not in (0, 2) or "panicked" in err or "internal error" in err:
        return f"exit status {process.returncode}: {common.first_line_with(err, '')}"
    if process.returncode == 2 and not re.search(r"\$|line \d+|--set|UTF-8|argument", err):
        return f"no place: {common.first_line_with(err, '')}"
    return None


def spoil(program, files, count, seed, jobs, folder):
    rng = random.Random(seed)
    texts = [text_of(path) for path in files]
    small = sorted(texts, key=len)[: max(1, len(texts) // 2)]
    cases = list(handmade(small[0])) + [mutated(rng.choice(small), rng) for _ in range(count)]
    found = 0

    def one(i):
        return answer(program, cases[i][0], os.path.join(folder, f"spoiled{i}.sdfg")), i

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for complaint, i in pool.map(one, range(len(cases))):
            path = os.path.join(folder, f"spoiled{i}.sdfg")
            if complaint:
                found += 1
                print(f"spoiled file {i}, {cases[i][1]}: {complaint}", flush=True)
                if found <= 5:
                    os.replace(path, os.path.join(tempfile.gettempdir(), f"spoiled{i}.sdfg"))
                    continue
            os.remove(path)
    return len(cases) - found, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", metavar="DIR", default=None)
    parser.add_argument("--weft", help="the program (default: WEFT_BIN, else target/debug/weft)")
    parser.add_argument("--mutations", type=int, default=60, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--foreign", action="store_true", help="list what is kept and not understood")
    options = parser.parse_args()
    program = common.weft_path(options.weft)
    files = sorted(path for folder in options.folders or [FIXTURES] for ending in ("sdfg", "sdfgz")
                   for path in glob.glob(os.path.join(folder, "**", f"*.{ending}"), recursive=True))
    if not files:
        sys.exit("no files")
    read = equal = whole = 0
    reasons = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            outcomes = pool.map(lambda path: inspect(program, path, folder), files)
            for path, (was_read, was_equal, foreign, complaint) in zip(files, outcomes):
                read, equal, whole = read + was_read, equal + was_equal, whole + (was_read and not foreign)
                reasons.update(re.sub(r"'[^']*'", "'…'", reason) for reason in foreign)
                if complaint:
                    print(f"{os.path.relpath(path)}: {complaint}", flush=True)
        print(f"{read} of {len(files)} files read, verified and written back; {equal} equal; "
              f"{whole} without foreign parts")
        if options.foreign:
            for reason, count in reasons.most_common():
                print(f"{count:4} {reason}")
        passed, failed = spoil(program, files, options.mutations, options.seed, options.jobs, folder)
    failed += 2 * len(files) - read - equal
    print(f"{passed + read + equal} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
