#!/bin/sh
# Writes constraints.txt: the newest version of everything that pyproject.toml names in any place, and of what that needs in turn, for every
# Python that Power Edge runs on. Wants uv on PATH (`make constraints` has it). A mirror of PyPI is named by UV_DEFAULT_INDEX, not by pip's configuration.
set -eu
cd "$(dirname "$0")/.."
set --
for group in $(python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"])'); do
    set -- "$@" --group "$group"
done
UV_CUSTOM_COMPILE_COMMAND='make constraints' exec uv pip compile --quiet --system-certs --upgrade --universal --python-version 3.11 \
    --all-extras "$@" --annotation-style line --output-file constraints.txt pyproject.toml
