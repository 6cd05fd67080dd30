#!/bin/bash
# Makes the database once, then becomes the server, as the user postgres.
set -euo pipefail

PATH="$(echo /usr/lib/postgresql/*/bin):$PATH"

as_postgres() {
  setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
}

mkdir -p "$PGDATA" /run/postgresql
chown postgres:postgres "$PGDATA" /run/postgresql
chmod 0700 "$PGDATA"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  as_postgres initdb --username="$POSTGRES_USER" --encoding=UTF8 --auth-host=scram-sha-256 --auth-local=trust
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  # The server listens on its socket only until it is complete, as the official image's does.
  as_postgres pg_ctl start --wait --options="-c listen_addresses=''"
  # Through psql's quoting: a password may hold anything.
  as_postgres psql --username="$POSTGRES_USER" --dbname=postgres --set=ON_ERROR_STOP=1 \
    --set=name="$POSTGRES_USER" --set=database="$POSTGRES_DB" --set=password="$POSTGRES_PASSWORD" <<'SQL'
ALTER ROLE :"name" PASSWORD :'password';
CREATE DATABASE :"database";
SQL
  as_postgres pg_ctl stop --wait --mode=fast
fi

exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@" -c listen_addresses='*'
