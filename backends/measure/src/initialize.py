"""Calls the user's function that makes arguments, for Weft."""
import inspect
import json
import traceback

import numpy as np

call = json.loads(sys.argv[1])
KINDS = {bool: "bool", int: "int", float: "float", complex: "complex"}


def kind_of(label, value):
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufc" or value.dtype.itemsize > 16:
            raise TypeError(f"{label} is an array of {value.dtype}, which Weft does not have")
        return "array"
    if isinstance(value, np.generic):
        return "scalar"
    if type(value) in KINDS:
        return KINDS[type(value)]
    raise TypeError(f"{label} is of type {type(value).__name__}; return arrays and numbers")


def missing(function):
    """Parameters without a value."""
    known = call["values"]
    parameters = inspect.signature(function).parameters.values()
    plain = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return [p.name for p in plain if p.default is p.empty and p.name not in known], [p for p in plain if p.name in known]


def results(function):
    if isinstance(call["values"], list):
        value = function(*call["values"])
    else:
        lacking, given = missing(function)
        if lacking:
            return {"lacking": lacking}
        positional = [call["values"][p.name] for p in given if p.kind == p.POSITIONAL_ONLY]
        named = {p.name: call["values"][p.name] for p in given if p.kind != p.POSITIONAL_ONLY}
        value = function(*positional, **named)
    if value is None:
        return {"error": f"{call['function']}() returns nothing"}
    names = None
    if isinstance(value, dict):
        names, value = [str(name) for name in value], list(value.values())
    elif not isinstance(value, (tuple, list)):
        value = [value]
    labels = names or [f"value {i + 1}" for i in range(len(value))]
    kinds = [kind_of(f"{label} of {call['function']}()", v) for label, v in zip(labels, value)]
    np.savez(call["output"], **{f"v{i}": v for i, v in enumerate(value)})
    return {"names": names, "kinds": kinds}


def answer():
    try:
        function = getattr(load_module(call["file"]), call["function"], None)
        if not callable(function):
            return {"error": f"{call['file']} has no function '{call['function']}'"}
        return results(function)
    except BaseException as error:
        place = ""
        for frame in traceback.extract_tb(error.__traceback__):
            if not frame.filename.startswith("<") and os.path.dirname(os.path.abspath(call["file"])) in frame.filename:
                place = f"{frame.filename}:{frame.lineno}: "
        return {"error": f"{place}{type(error).__name__}: {error}"}


with open(call["answer"], "w") as file:
    json.dump(answer(), file)
