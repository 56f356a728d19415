#!/bin/bash
# restore.sh SOURCE MEDIA: what backup.sh made, into an empty database (libpq's variables name it) and an empty media folder. Neither Api nor worker runs.
# Then: the migration of the version that is started (Api --migrate), the Api, the workers; and GET /v1/hosts/{host}/check of each host.
set -euo pipefail
source=${1:?usage: restore.sh SOURCE MEDIA}
media=${2:?usage: restore.sh SOURCE MEDIA}

sql() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --command "$1"; }

if [ -n "$(ls -A "$media" 2>/dev/null)" ]; then
  echo "restore.sh: $media is not empty" >&2
  exit 1
fi
if [ "$(sql "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" != 0 ]; then
  echo "restore.sh: the database is not empty" >&2
  exit 1
fi
pg_restore --no-owner --no-privileges --exit-on-error --single-transaction --dbname="${PGDATABASE:?the database is named by PGDATABASE}" "$source/database.dump"
mkdir -p "$media"
tar --extract --sparse --preserve-permissions --file="$source/media.tar" --directory="$media"
# Nobody of before holds anything. Epochs go far up: a worker of the former fleet, should one still run, and media that is newer than this database
# (a restore of the database alone), count as old.
sql "DELETE FROM worker_leases; UPDATE hosts SET epoch = epoch + 1000000, revision = gen_random_uuid()"
echo "restore.sh: $(sql 'SELECT count(*) FROM hosts') hosts"
