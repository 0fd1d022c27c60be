"""Makes DaCe's files of our samples: raw, simplified, auto-optimized. Runs in .venv-dace.

    .venv-dace/bin/python tests/sdfg_make.py FOLDER [SAMPLE …]

FOLDER/SAMPLE.STAGE.sdfgz; samples that DaCe's front end does not take are listed. ir/fixtures/dace has some.
"""

import copy
import gzip
import inspect
import json
import os
import sys
import tempfile

os.environ.setdefault("DACE_default_build_folder", tempfile.mkdtemp())
import dace

import common

try:
    import tomllib
except ImportError:
    from pip._vendor import tomli as tomllib


def described(name):
    """A sample's function with DaCe's types for its parameters."""
    with open(os.path.join(common.SAMPLES, name + ".toml"), "rb") as file:
        spec = tomllib.load(file)
    function = common.sample(name).load()
    parameters = inspect.signature(function).parameters
    # DaCe wants other names for symbols than for parameters.
    symbols = {s: dace.symbol(f"{s}_size" if s in parameters else s, dace.int64) for s in spec["sizes"]["S"]}
    types = {}
    for parameter in parameters:
        argument = spec["args"][parameter]
        if "shape" in argument:
            shape = [eval(str(e), {}, symbols) for e in argument["shape"]]
            types[parameter] = dace.data.Array(getattr(dace, argument["type"]), shape)
        elif argument["type"] == "int" and argument.get("value") == parameter:
            types[parameter] = dace.data.Scalar(dace.int64)
        else:
            kind = {"int": "int64", "float": "float64", "complex": "complex128"}.get(argument["type"], argument["type"])
            types[parameter] = dace.data.Scalar(getattr(dace, kind))
    function.__annotations__ = types
    return dace.program(function)


def tidy(value):
    """Takes out where this machine keeps its files."""
    if isinstance(value, dict):
        if isinstance(value.get("filename"), str):
            value["filename"] = os.path.basename(value["filename"])
        for inner in value.values():
            tidy(inner)
    elif isinstance(value, list):
        for inner in value:
            tidy(inner)


def save(sdfg, path):
    root = sdfg.to_json()
    tidy(root)
    text = json.dumps(root)
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(text.encode())


def make(name, folder):
    program = described(name)
    raw = program.to_sdfg(simplify=False)
    raw._name = name
    save(raw, os.path.join(folder, f"{name}.raw.sdfgz"))
    raw.simplify()
    save(raw, os.path.join(folder, f"{name}.simplified.sdfgz"))
    from dace.transformation.auto import auto_optimize
    best = auto_optimize.auto_optimize(copy.deepcopy(raw), dace.DeviceType.CPU)
    save(best, os.path.join(folder, f"{name}.autoopt.sdfgz"))


def cpp():
    """A tasklet in C++ in a map, which uses a symbol and the map's parameter."""
    sdfg = dace.SDFG("cpp")
    n = dace.symbol("N")
    for name in "AB":
        sdfg.add_array(name, [n], dace.float64)
    state = sdfg.add_state("s")
    code = "b = a * double(i + N);"
    state.add_mapped_tasklet("scale", {"i": "0:N"}, {"a": dace.Memlet("A[i]")}, code, {"b": dace.Memlet("B[i]")},
                             language=dace.Language.CPP, external_edges=True)
    return sdfg


def consume():
    """A consume scope over a stream."""
    sdfg = dace.SDFG("consume")
    sdfg.add_array("A", [1], dace.int32)
    sdfg.add_array("B", [1], dace.int32)
    sdfg.add_stream("S", dace.int32, transient=True)
    state = sdfg.add_state("s")
    stream = state.add_access("S")
    state.add_nedge(state.add_read("A"), stream, dace.Memlet("A[0]"))
    entry, leave = state.add_consume("c", ("p", "4"))
    tasklet = state.add_tasklet("t", {"s"}, {"v"}, "v = s")
    state.add_memlet_path(stream, entry, tasklet, dst_conn="s", memlet=dace.Memlet("S[0]"))
    wcr = dace.Memlet("B[0]", wcr="lambda x, y: x + y")
    state.add_memlet_path(tasklet, leave, state.add_write("B"), src_conn="v", memlet=wcr)
    entry.remove_in_connector("IN_S")
    entry.add_in_connector("IN_stream")
    for edge in state.in_edges(entry):
        edge.dst_conn = "IN_stream"
    for edge in state.out_edges(entry):
        entry.remove_out_connector(edge.src_conn)
        edge.src_conn = "OUT_stream"
    entry.add_out_connector("OUT_stream")
    return sdfg


def irreducible():
    """A state machine with a loop that is entered at two places."""
    sdfg = dace.SDFG("irreducible")
    sdfg.add_array("A", [4], dace.float64)
    sdfg.add_symbol("k", dace.int64)
    states = [sdfg.add_state(f"s{i}", is_start_block=i == 0) for i in range(4)]
    for i, state in enumerate(states[1:3]):
        tasklet = state.add_tasklet("t", {"a"}, {"b"}, f"b = a * 2 + {i + 1}")
        state.add_edge(state.add_read("A"), None, tasklet, "a", dace.Memlet(f"A[{i}]"))
        state.add_edge(tasklet, "b", state.add_write("A"), None, dace.Memlet(f"A[{i + 2}]"))
    edge = dace.InterstateEdge
    sdfg.add_edge(states[0], states[1], edge("A[0] > 1", assignments={"i": "0"}))
    sdfg.add_edge(states[0], states[2], edge("not (A[0] > 1)", assignments={"i": "1"}))
    sdfg.add_edge(states[1], states[2], edge(assignments={"i": "i + 1"}))
    sdfg.add_edge(states[2], states[1], edge("i < k"))
    sdfg.add_edge(states[2], states[3], edge("i >= k"))
    return sdfg


def main():
    folder, *names = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    for feature in (cpp, consume, irreducible):
        os.makedirs(os.path.join(folder, "features"), exist_ok=True)
        save(feature(), os.path.join(folder, "features", f"{feature.__name__}.sdfgz"))
    for name in names or [kernel.name for kernel in common.samples()]:
        try:
            make(name, folder)
            print(f"made   {name}", flush=True)
        except Exception as error:
            print(f"not    {name}: {type(error).__name__}: {str(error).splitlines()[0][:150] if str(error) else ''}", flush=True)


if __name__ == "__main__":
    main()
