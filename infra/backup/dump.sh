#!/usr/bin/env bash
# Writes everything that the database at A2A_DATABASE_URL holds, as it was at one moment, to FILE. Servers go on meanwhile.
#
#     A2A_DATABASE_URL=postgres://… infra/backup/dump.sh FILE
#
# Needs pg_dump of the server's version or newer. FILE is there when it is whole, and may be read by its owner alone.
set -euo pipefail
. "$(dirname "$0")/connection.sh"

[ $# -eq 1 ] || fail "one argument is needed: the file to write"
[ ! -e "$1" ] || fail "$1 is there already"
part="$1.part"
trap 'rm -f "$part"' EXIT
pg_dump --format=custom --no-owner --no-privileges --file="$part" --dbname="$database"
# One that can't be read is none.
pg_restore --list "$part" >/dev/null
mv "$part" "$1"
