"""Runs the user's function under NumPy for Weft: requests on stdin, one JSON line each."""
import json
import shutil
import threading
import time

replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # a print in the user's file must not reach the protocol


def reply(**fields):
    replies.write(json.dumps(fields) + "\n")
    replies.flush()


def leave_with_the_parent(parent, folder):
    """A long call does not read stdin, whose end says otherwise that the parent is gone."""
    while os.getppid() == parent:
        time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def main():
    setup = json.loads(sys.stdin.readline() or "{}")
    if not setup:
        return
    threading.Thread(target=leave_with_the_parent, args=(setup["parent"], setup["folder"]), daemon=True).start()
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # where memory runs out, this process ends and not the window
    except OSError:
        pass
    try:
        import numpy as np
    except ImportError as error:
        return reply(error=f"this Python has no NumPy: {error}")
    try:
        function = getattr(load_module(setup["file"]), setup["function"])
        with np.load(setup["inputs"]) as data:
            stored = {name: data[name] for name in data.files}
        scalars = {"int": int, "float": float, "complex": complex, "bool": bool}
        pristine = []
        for name, kind in setup["parameters"]:
            value = stored[name]
            pristine.append(scalars[kind](value) if kind in scalars else value if kind == "array" else value[()])
        working = [v.copy(order="K") if isinstance(v, np.ndarray) else v for v in pristine]
    except BaseException as error:
        return reply(error=f"{type(error).__name__}: {error}")
    reply(numpy=np.__version__)
    result = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "runs" in request:
                times = []
                for _ in range(request["runs"]):
                    for saved, array in zip(pristine, working):
                        if isinstance(array, np.ndarray):
                            np.copyto(array, saved)
                    start = time.perf_counter()
                    result = function(*working)
                    times.append((time.perf_counter() - start) * 1e3)
                reply(runs_ms=times)
            else:
                out = {name: v for (name, kind), v in zip(setup["parameters"], working) if kind == "array"}
                results = result if isinstance(result, tuple) else () if result is None else (result,)
                out.update({f"return_{i}": np.asarray(v) for i, v in enumerate(results)})
                np.savez(request["output"], **out)
                reply(saved=True)
        except BaseException as error:
            reply(error=f"{type(error).__name__}: {error}")
    # The parent has gone, or is about to do the same.
    shutil.rmtree(setup["folder"], ignore_errors=True)


main()
