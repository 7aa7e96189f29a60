# Sourced by the other scripts: makes .venv with the extras named in $1, once per change of
# pyproject.toml, and puts it first on PATH. Needs Python 3.11 or later and the package index.
# Each list of extras begins with the next shorter one: api; api,test; api,test,bench.

cd "$(dirname "$0")/.." || exit 1

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3 python; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 or later with venv and pip is needed and was not found; name one with PYTHON=…" >&2
    exit 1
}

stamp() {
    echo ".venv/asgi-bearer.$1.$(cksum <pyproject.toml | tr ' ' '.')"
}

extras=$1
if [ ! -f "$(stamp "$extras")" ]; then
    python=$(find_python) || exit 1
    if ! .venv/bin/python -c '' >/dev/null 2>&1; then
        echo "Making .venv with $("$python" --version)" >&2
        "$python" -m venv --clear .venv || exit 1
    fi
    echo "Installing asgi-bearer[$extras] into .venv (the first time only)" >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]" || exit 1
    rm -f .venv/asgi-bearer.*
    : >"$(stamp "$extras")"
    # Who needs less finds it here.
    while [ "$extras" != "${extras%,*}" ]; do
        extras=${extras%,*}
        : >"$(stamp "$extras")"
    done
fi
PATH="$PWD/.venv/bin:$PATH"
export PATH
