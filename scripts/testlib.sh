# shellcheck shell=bash disable=SC2154 # they set these
# Functions for the scripts that run tests; sourced after lib.sh, in the root of the tree under test. The scripts set:
#   dir      where tests leave their files, and TEST_DIR of what they start
#   cluster  the directory of their PostgreSQL (scripts/postgres)
#   variant  of the build

# Stops processes that a test started and left, recognised by a variable in their environment. They would keep the
# pipe to the log open.
stop_leftovers() {
  local file pid found=0
  while read -r file; do
    pid=${file//[^0-9]/}
    complain "a test left process $pid behind: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
    kill -KILL "$pid"
    found=1
  done < <(grep -lsxzF "TEST_DIR=$dir" /proc/[0-9]*/environ)
  return "$found"
}

# Criterion only warns of a crash in a tear-down, which is where the exit of a server is checked.
count_criterion() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '/Synthesis: Tested:/ {
    gsub(/[^0-9 ]/, ""); passed += $2; failed += $3 + $4
  } /crashed during its setup or teardown/ { failed++ } END { print passed + 0, failed + 0 }'
}

count_prove() {
  awk '/^Files=[0-9]+, Tests=[0-9]+/ { split($2, n, /[=,]/); tests = n[2] }
    match($0, /Failed: [0-9]+\)/) { failed += substr($0, RSTART + 8) }
    END { print tests - failed, failed + 0 }' "$1"
}

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

# What tests need in a migrated database.
equip_database() {
  sql "$1" 'create extension pgtap; create extension plpgsql_check' &&
    psql -X -q -v ON_ERROR_STOP=1 -d "$1" -f tests/harness/poison.sql
}

# Each test of mails has its own database, a copy of this one.
make_mail_template() {
  sql "$1" 'create database mail_template' && DATABASE_URL=${1/accountsd/mail_template} scripts/migrate
}

with_database() {
  local url
  url=$(scripts/postgres url "$cluster") || return
  DATABASE_URL=$url TEST_POSTGRES_DIR=$cluster TEST_VECTORS=$PWD/tests/vectors \
    ACCOUNTSD_BINARY=$PWD/build/$variant/accountsd "$@"
}

# pg_prove takes no URL.
prove_sql() {
  PGHOST=$(realpath "$cluster/socket") PGPORT=5432 PGUSER=postgres PGDATABASE=accountsd pg_prove "$@"
}
