#!/bin/bash
# backup.sh MEDIA TARGET: a backup from which restore.sh makes the fleet again: TARGET/database.dump and TARGET/media.tar.
# The database is the one that libpq's own variables name (PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSFILE, …).
# Stop the workers before (drain them first where their hosts should go down cleanly), and start them again after; the Api may go on: what is asked
# of it meanwhile waits in the queue, and is in the backup as that. With a worker at work the media would be newer than the database.
set -euo pipefail
media=${1:?usage: backup.sh MEDIA TARGET}
target=${2:?usage: backup.sh MEDIA TARGET}

alive() { psql --no-psqlrc --quiet --tuples-only --no-align --command 'SELECT count(*) FROM worker_leases WHERE expires_at > now()'; }

# a worker that was stopped keeps its lease for a while; one that runs renews it
for _ in $(seq "${PMEMFLEET_BACKUP_PATIENCE:-120}"); do
  [ "$(alive)" = 0 ] && break
  sleep 1
done
if [ "$(alive)" != 0 ]; then
  echo "backup.sh: $(alive) workers hold a lease: stop them first" >&2
  exit 1
fi

mkdir -p "$target"
umask 077
# the database first: were a worker to come back now, its lease would be in the second look below
pg_dump --format=custom --no-owner --no-privileges --file="$target/database.dump.new"
tar --create --sparse --file="$target/media.tar.new" --directory="$media" .
if [ "$(alive)" != 0 ]; then
  echo "backup.sh: a worker came back meanwhile: nothing is kept" >&2
  rm -f "$target/database.dump.new" "$target/media.tar.new"
  exit 1
fi
mv "$target/database.dump.new" "$target/database.dump"
mv "$target/media.tar.new" "$target/media.tar"
sync "$target/database.dump" "$target/media.tar" "$target"
echo "backup.sh: $(du --human-readable --total "$target" | tail -n 1 | cut -f 1) in $target"
