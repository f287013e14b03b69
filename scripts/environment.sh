# Sourced by the scripts beside it: finds Python, keeps .venv in step with pyproject.toml.
# shellcheck shell=sh

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv=$root/.venv

say() { printf '%s\n' "$*" >&2; }

# die STATUS MESSAGE...
die() {
    status=$1
    shift
    say "${0##*/}: $*"
    exit "$status"
}

# The first Python that fits and can make virtual environments. Each candidate is run, not just
# looked up: a shim may stand in PATH for a version that is not there.
find_python() {
    lacking=''
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null ||
            continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$candidate"
            return
        fi
        lacking=$candidate
    done
    [ -z "$lacking" ] || die 69 "$lacking can not make virtual environments; on Debian: apt install $lacking-venv"
    die 69 'Python 3.11, 3.12 or 3.13 is needed, and none is in PATH'
}

# A virtual environment knows its own path by heart, so that a checkout that was moved needs a new one.
make_venv() {
    [ "$(cat "$venv/made-for" 2>/dev/null)" = "$root" ] && "$venv/bin/python" -c '' 2>/dev/null && return
    python=$(find_python) || exit
    say "Making .venv with $("$python" --version) ..."
    "$python" -m venv --clear "$venv" || die 69 ".venv could not be made"
    echo "$root" >"$venv/made-for"
}

# install run|soak|bench|test: the project in .venv, unless that is done and pyproject.toml is still the same.
install() {
    make_venv
    wanted=$(sha256sum <"$root/pyproject.toml")
    for stamp in "$venv/installed-$1" "$venv/installed-test"; do
        [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
        # Nothing else has what the benchmarks need.
        [ "$1" != bench ] || break
    done
    case $1 in
        run) what=$root ;;
        soak) what="${root}[soak]" ;;
        bench) what="${root}[bench]" ;;
        test) what="${root}[test,check]" ;;
    esac
    say 'Installing pagestatus and what it needs into .venv (once) ...'
    "$venv/bin/python" -m pip install --disable-pip-version-check -qq --editable "$what" ||
        die 69 'the installation failed; the lines above say why'
    echo "$wanted" >"$venv/installed-$1"
}
