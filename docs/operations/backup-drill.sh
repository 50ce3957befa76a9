#!/usr/bin/env bash
# Proves a backup: takes one of a running PostgreSQL, restores it elsewhere, folds all events of it afresh, and starts the service on it.
#
#   backup-drill.sh SOURCE PROGRAM [IDS]
#
# SOURCE   how to connect to the PostgreSQL to back up, as psql takes it: "host=/run/postgresql user=results dbname=results". The role may replicate.
# PROGRAM  ResultsEs.dll
# IDS      a file for the ids of the events that the backup holds, one a line
#
# Exit code 0 when the service is ready on the restored database and every document is what its events say.
set -euo pipefail

source=${1:?say how to connect to the PostgreSQL to back up}
program=$(realpath "${2:?say where ResultsEs.dll is}")
ids=${3:-}

# Debian keeps them beside each other, out of the way. They have to be of the server's major version.
bin=$(dirname "$(ls /usr/lib/postgresql/*/bin/pg_ctl 2>/dev/null | sort -V | tail -1 || true)")
[ "$bin" != . ] || bin=$(dirname "$(command -v pg_ctl || { echo "pg_ctl is not on the PATH" >&2; exit 1; })")
# PostgreSQL does not run as root.
as_server=()
[ "$(id -u)" -ne 0 ] || as_server=(runuser -u postgres --)
folder=$(mktemp -d)
[ "$(id -u)" -ne 0 ] || chown postgres "$folder"
chmod 755 "$folder"
service=
end() {
  [ -z "$service" ] || { kill "$service" && wait "$service" || true; }
  "${as_server[@]}" "$bin/pg_ctl" --pgdata="$folder/data" --mode=fast --silent stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap end EXIT

echo "backing up"
"${as_server[@]}" "$bin/pg_basebackup" --dbname="$source" --pgdata="$folder/data" --wal-method=stream --checkpoint=fast
"${as_server[@]}" "$bin/pg_verifybackup" --quiet "$folder/data"

echo "restoring"
"${as_server[@]}" "$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/log" --wait --silent \
  --options="-c listen_addresses='' -c port=5432 -c unix_socket_directories='$folder' -c archive_mode=off" start || { cat "$folder/log" >&2; exit 1; }
part() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" <<<"$source"; }
user=$(part user) database=$(part dbname)
ask() { "${as_server[@]}" "$bin/psql" --host="$folder" --username="$user" --dbname="$database" --no-align --tuples-only --quiet --command="$1"; }
echo "$(ask "select count(*) from results.mt_events where type <> 'tombstone'") events"
[ -z "$ids" ] || ask "select id from results.mt_events where type <> 'tombstone'" >"$ids"

export ASPNETCORE_ENVIRONMENT=Production ConnectionStrings__results="Host=$folder;Database=$database;Username=$user" ASPNETCORE_URLS=http://127.0.0.1:0
cd "$(dirname "$program")"
dotnet "$program" verify all | tail -1
# Its settings are the caller's; the address is its own.
dotnet "$program" >"$folder/service" &
service=$!
for _ in $(seq 100); do
  address=$(sed -n 's/.*Now listening on: \(http:[^" ]*\).*/\1/p' "$folder/service" | head -1)
  [ -n "$address" ] && dotnet "$program" health "$address" && exit 0
  kill -0 "$service" 2>/dev/null || break
  sleep 0.2
done
cat "$folder/service" >&2
exit 1
