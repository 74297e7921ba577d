#!/usr/bin/env bash
# Brings what dump.sh wrote to FILE into the empty database at A2A_DATABASE_URL: all of it, or nothing.
#
#     A2A_DATABASE_URL=postgres://… infra/backup/restore.sh FILE
#
# Needs psql and pg_restore of the version that dumped, or newer. Start servers on it afterwards; newer ones bring it to their form.
set -euo pipefail
. "$(dirname "$0")/connection.sh"

[ $# -eq 1 ] || fail "one argument is needed: the file to restore"
[ -r "$1" ] || fail "$1 can't be read"
tables=$(psql --no-psqlrc --tuples-only --no-align --dbname="$database" \
    --command="SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = 'public'")
[ "$tables" = 0 ] || fail "the database isn't empty: it has $tables tables"
pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$database" "$1"
# What the planner knew of the tables wasn't dumped.
psql --no-psqlrc --quiet --dbname="$database" --command=ANALYZE
