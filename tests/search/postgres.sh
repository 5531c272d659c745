#!/bin/sh
# A PostgreSQL server for tests, in a folder of its own, on a Unix socket there and no port.
#
#     postgres.sh start FOLDER     FOLDER is made; prints the URL of an empty database
#     postgres.sh stop FOLDER      its data stay: start goes on with them
#
# initdb refuses root: as root, it is done as the user postgres. Exit code 3, with the reason, where
# there is no PostgreSQL (Debian: apt-get install postgresql).
set -eu

verb=$1 folder=$2
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
[ -n "$bin" ] || bin=$(pg_config --bindir 2>/dev/null) || { echo "no PostgreSQL is installed" >&2; exit 3; }
[ -x "$bin/initdb" ] || { echo "no initdb in $bin" >&2; exit 3; }

as_owner() {
    if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

if [ "$verb" = stop ]; then
    as_owner "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null
    exit
fi
if [ ! -d "$folder/data" ]; then
    mkdir -p "$folder"
    if [ "$(id -u)" -eq 0 ]; then
        id postgres >/dev/null 2>&1 || { echo "root, and no user postgres" >&2; exit 3; }
        chown postgres "$folder"
    fi
    as_owner "$bin/initdb" -D "$folder/data" -U nas -A trust --no-sync >/dev/null
fi
as_owner "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w start \
    -o "-c listen_addresses='' -c unix_socket_directories='$folder' -c fsync=off" >/dev/null
echo "postgresql+psycopg://nas:secret@/postgres?host=$folder"
