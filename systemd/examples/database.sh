#!/bin/sh
# Makes PostgreSQL of Debian or Ubuntu the catalogue's primary, or a streaming replica of one. As root, on a host where
# nothing else uses it:
#   database.sh primary PASSWORD NETWORK            creates the database and the users `shop` and `replicator`
#   database.sh replica PASSWORD NETWORK PRIMARY    copies PRIMARY (an address) and follows it; what was there is gone
# PASSWORD is that of both users, NETWORK who may connect, such as 10.0.0.0/16.
set -eu
if [ $# -lt 3 ] || [ "$(id -u)" != 0 ]; then
    sed -n 's/^# \{0,1\}//; 2,7p' "$0" >&2
    exit 64
fi
role=$1 password=$2 network=$3 primary=${4:-}
version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf "%f\n" | sort -V | tail -n 1)
settings=/etc/postgresql/$version/main
memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)

cat >"$settings/conf.d/doorbuster.conf" <<END
listen_addresses = '*'
password_encryption = 'scram-sha-256'
shared_buffers = '$((memory / 4))MB'
effective_cache_size = '$((memory * 3 / 4))MB'
max_connections = 200
wal_level = replica
max_wal_senders = 10
max_replication_slots = 10
# A replica that is away for longer is copied anew, and does not fill the disk of the primary.
max_slot_wal_keep_size = '10GB'
max_wal_size = '4GB'
wal_compression = on
checkpoint_completion_target = 0.9
random_page_cost = 1.1
# A replica is read from while it replays, so a query of seconds may end rather than hold replay up.
max_standby_streaming_delay = '5s'
hot_standby_feedback = on
END
if ! grep -q '# doorbuster' "$settings/pg_hba.conf"; then
    cat >>"$settings/pg_hba.conf" <<END
# doorbuster
hostssl shop        shop       $network scram-sha-256
hostssl replication replicator $network scram-sha-256
END
fi

case $role in
primary)
    pg_ctlcluster "$version" main restart
    # Over a pipe: arguments are seen by everybody on the host.
    (cd / && runuser -u postgres -- psql -v ON_ERROR_STOP=1 --quiet) <<END
SELECT 'CREATE ROLE shop LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop') \gexec
SELECT 'CREATE ROLE replicator LOGIN REPLICATION' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \gexec
SET client_min_messages = warning;
ALTER ROLE shop PASSWORD '$password';
ALTER ROLE replicator PASSWORD '$password';
-- The nodes look at how far replicas are.
GRANT pg_monitor TO shop;
SELECT 'CREATE DATABASE shop OWNER shop' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'shop') \gexec
END
    ;;
replica)
    data=/var/lib/postgresql/$version/main
    pg_ctlcluster "$version" main stop || true
    rm -rf "$data"
    slot=$(hostname | tr -c 'a-z0-9\n' _)
    cd /
    PGPASSWORD=$password runuser -u postgres -- "/usr/lib/postgresql/$version/bin/pg_basebackup" --pgdata "$data" --wal-method stream \
        --checkpoint fast --write-recovery-conf --create-slot --slot "$slot" \
        --dbname "host=$primary user=replicator sslmode=require application_name=$slot"
    pg_ctlcluster "$version" main start
    ;;
*)
    echo "database.sh: $role is neither primary nor replica" >&2
    exit 64
    ;;
esac
