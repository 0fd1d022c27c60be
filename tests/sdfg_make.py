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


def save(sdfg, path):
    text = json.dumps(sdfg.to_json())
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(text.encode())


def make(name, folder):
    program = described(name)
    raw = program.to_sdfg(simplify=False)
    save(raw, os.path.join(folder, f"{name}.raw.sdfgz"))
    raw.simplify()
    save(raw, os.path.join(folder, f"{name}.simplified.sdfgz"))
    from dace.transformation.auto import auto_optimize
    best = auto_optimize.auto_optimize(copy.deepcopy(raw), dace.DeviceType.CPU)
    save(best, os.path.join(folder, f"{name}.autoopt.sdfgz"))


def main():
    folder, *names = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    for name in names or [kernel.name for kernel in common.samples()]:
        try:
            make(name, folder)
            print(f"made   {name}", flush=True)
        except Exception as error:
            print(f"not    {name}: {type(error).__name__}: {str(error).splitlines()[0][:150] if str(error) else ''}", flush=True)


if __name__ == "__main__":
    main()
