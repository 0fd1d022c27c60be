import importlib
import importlib.util
import os
import re
import sys


def load_module(path):
    """The user's file as a module; inside of its package where it is in one."""
    path = os.path.abspath(path)
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0]
    sys.path.insert(0, folder)
    top, package = folder, []
    while os.path.exists(os.path.join(top, "__init__.py")):
        top, part = os.path.split(top)
        package.insert(0, part)
    with open(path, encoding="utf-8") as file:
        relative = re.search(r"^\s*from\s+\.", file.read(), re.MULTILINE)
    if relative and not package:
        top, part = os.path.split(folder)  # a package without an __init__.py
        package = [part]
    if package:
        sys.path.append(top)
        return importlib.import_module(".".join([*package, stem]))
    spec = importlib.util.spec_from_file_location("kernel_under_test", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
