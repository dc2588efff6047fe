# shellcheck shell=bash
# Functions for several scripts; sourced after `set -euo pipefail`.

# A locale that every machine has: perl and initdb warn about one that is not installed.
export LC_ALL=C.UTF-8

# shellcheck disable=SC2034 # used by those that source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '==> %s\n' "$*"; }

complain() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# without_url TEXT URL: removes all parts of the URL from a message of psql. A quote in a message may be any part of
# the URL, even of the password if the URL could not be parsed, so quotes are removed, and then everything between
# delimiters of the URL, unless it is short.
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

# reach_database URL: ends the script if psql cannot connect. Prints no part of the URL. An empty URL means libpq's PG*
# variables.
reach_database() {
  local problem
  [[ -z $1 || $1 =~ ^postgres(ql)?:// ]] || die 'DATABASE_URL is not a URL such as postgresql://user@host/database'
  if ! problem=$(psql -X -q -d "$1" -c '' 2>&1); then
    problem=${problem#psql: error: }
    die "cannot reach the database of DATABASE_URL: $(without_url "${problem//[$'\n\t']/ }" "$1")"
  fi
}
