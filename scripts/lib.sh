# shellcheck shell=bash
# What more than one script needs; sourced after `set -euo pipefail`.

# A locale that every machine has: perl and initdb complain about one that is not installed.
export LC_ALL=C.UTF-8

# shellcheck disable=SC2034 # used by those that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '==> %s\n' "$*"; }

complain() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  complain "$@"
  exit 1
}
