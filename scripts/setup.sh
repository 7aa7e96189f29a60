# Sourced by the other scripts: makes .venv with the extras named in $1, once per change of
# pyproject.toml, and puts it first on PATH. Needs Python 3.11 or later and the package index.
# Each list of extras begins with the next shorter one: demo; demo,api,test; demo,api,test,bench.

cd "$(dirname "$0")/.." || exit 1

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3 python; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    say "Python 3.11 or later with venv and pip is needed and was not found; name one with PYTHON=…"
    exit 1
}

stamp() {
    echo ".venv/asgi-bearer.$1.$(cksum <pyproject.toml | tr ' ' '.')"
}

# Writes pip's errors as they are, and a line for each step that may take a while.
install() {
    # The pipe must not hide whether pip failed.
    failed=$({ {
        PYTHONUNBUFFERED=1 .venv/bin/python -m pip install --disable-pip-version-check \
            --progress-bar off --editable ".[$1]" || echo yes >&3
    } | steps >&2; } 3>&1)
    [ -z "$failed" ]
}

# Makes lines of pip's output.
steps() {
    asked=no
    while read -r word rest; do
        case "$word $rest" in
        "Installing build dependencies: started")
            echo "  downloading what installs the checkout itself"
            ;;
        "Collecting "*)
            [ $asked = yes ] || echo "  asking the package index what is needed"
            asked=yes
            ;;
        *.whl.metadata*) ;;
        "Downloading "* | "Using cached "*.whl* | "Using cached "*.tar.gz*)
            file=${rest#cached }
            size=${file##*\(}
            file=${file%% *}
            file=${file##*/}
            echo "  downloading ${file%%-*} (${size%\)})"
            ;;
        "Building wheel for asgi-bearer "* | "Building editable for asgi-bearer "*) ;;
        "Building wheel for "*": started")
            file=${rest#wheel for }
            echo "  building ${file%% *}, of which the index has no wheel for this machine"
            ;;
        "Installing collected packages: "*)
            echo "  installing $(echo "$rest" | tr -cd , | wc -c | tr -d ' ') packages"
            ;;
        esac
    done
}

extras=$1
if [ ! -f "$(stamp "$extras")" ]; then
    python=$(find_python) || exit 1
    if ! .venv/bin/python -c '' >/dev/null 2>&1; then
        say "Making .venv with $("$python" --version)"
        "$python" -m venv --clear .venv || exit 1
    fi
    say "Installing what $0 needs into .venv, the first time only ([$extras] of pyproject.toml)"
    install "$extras" || exit 1
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
