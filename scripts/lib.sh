# shellcheck shell=bash
# What more than one script needs; sourced after `set -euo pipefail`.

# A locale that every machine has: perl and initdb complain about one that is not installed.
export LC_ALL=C.UTF-8

# shellcheck disable=SC2034 # used by those that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '==> %s\n' "$*"; }

complain() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# without_url TEXT URL: what psql says, without anything of the URL. It quotes what it has read; where it could not read
# the URL, a quote may be in the middle of a password. Then what is between the URL's delimiters, unless it is short.
without_url() {
  local text=$1 part
  if [[ $text == 'connection to server'* ]]; then
    # shellcheck disable=SC2001 # a pattern, not a string
    text=$(sed 's/"[^"]*"/"..."/g' <<<"$text")
  else
    text=${text%%\"*}
  fi
  while read -r part; do
    ((${#part} < 3)) || text=${text//"$part"/...}
  done < <(tr -s ':/@?&=#%,[]' '\n' <<<"${2#*://}")
  printf '%s\n' "$text"
}

die() {
  complain "$@"
  exit 1
}
