# One place for the commands that developers and CI run. `just` comes with `pip install -e '.[dev]'`.

set windows-shell := ["powershell.exe", "-NoLogo", "-Command"]

python := env("PYTHON", "python")

# Show the recipes.
default:
    @just --list

# Everything that CI checks; the viewer's TypeScript is checked by tests/viewer/test_typescript.py.
test: lint types
    {{python}} -m pytest

# Style of Python.
lint:
    {{python}} -m ruff check .
    {{python}} -m ruff format --check .

# Strict types. The rooms lie beside the package in the source tree, so mypy gets a tree of links.
types:
    {{python}} tests/house/typecheck.py

# Only the tests that need neither a browser nor real captures.
quick:
    {{python}} -m pytest -m "not browser and not real_data"

# Apply the formatter.
format:
    {{python}} -m ruff check --fix .
    {{python}} -m ruff format .

# Build the native code and the page again into the editable install.
native:
    {{python}} -m pip install -e .
