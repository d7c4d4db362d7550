#!/bin/sh
# Installs Doorbuster with its units where there is no dpkg: on any Linux with systemd 250 or later. Run as root from a
# checkout with a release build, or from an unpacked archive with the program beside this script:
#   systemd/install.sh              install, or install over an older version; running nodes are restarted
#   systemd/install.sh --uninstall  remove the program and the units; /etc/doorbuster and /var/lib/doorbuster stay
#   DESTDIR=/tmp/root systemd/install.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dest=${DESTDIR:-}
units=$dest/usr/lib/systemd/system
root=${dest:+--root=$dest}
live() { [ -z "$dest" ] && [ -d /run/systemd/system ]; }

if [ -z "$dest" ] && [ "$(id -u)" != 0 ]; then
    echo "install.sh: be root, or name another place with DESTDIR" >&2
    exit 1
fi

if [ "${1:-}" = --uninstall ]; then
    if live; then
        systemctl stop 'doorbuster-*.socket' 'doorbuster-*.service' || true
    fi
    [ ! -e "$units/doorbuster-web.service" ] || systemctl ${root:+"$root"} --quiet disable doorbuster-web.service doorbuster-worker.service
    rm -rf "$dest/usr/bin/doorbuster" "$units/doorbuster-.service.d" "$dest/usr/share/doc/doorbuster"
    for unit in "$here"/units/*.*; do
        rm -f "$units/$(basename "$unit")"
    done
    rm -f "$dest/usr/lib/sysusers.d/doorbuster.conf" "$dest/usr/lib/tmpfiles.d/doorbuster.conf"
    if live; then systemctl daemon-reload; fi
    exit 0
fi

program=${DOORBUSTER:-}
for candidate in "$here/doorbuster" "$here/../target/release/doorbuster"; do
    if [ -z "$program" ] && [ -x "$candidate" ]; then program=$candidate; fi
done
if [ -z "$program" ]; then
    echo "install.sh: there is no program; build it with \`cargo build --release\`, or name it with DOORBUSTER" >&2
    exit 1
fi

# A new file under the old name: what runs goes on with the old one.
install -D -m 755 "$program" "$dest/usr/bin/doorbuster.new"
mv "$dest/usr/bin/doorbuster.new" "$dest/usr/bin/doorbuster"
for unit in "$here"/units/*.*; do
    if [ -f "$unit" ]; then install -D -m 644 "$unit" "$units/$(basename "$unit")"; fi
done
install -D -m 644 "$here/units/doorbuster-.service.d/10-hardening.conf" "$units/doorbuster-.service.d/10-hardening.conf"
install -D -m 644 "$here/sysusers.conf" "$dest/usr/lib/sysusers.d/doorbuster.conf"
install -D -m 644 "$here/tmpfiles.conf" "$dest/usr/lib/tmpfiles.d/doorbuster.conf"
install -D -m 644 "$here/README.md" "$dest/usr/share/doc/doorbuster/README.md"
for file in "$here"/examples/*; do
    install -D -m 644 "$file" "$dest/usr/share/doc/doorbuster/examples/$(basename "$file")"
done
if [ ! -e "$dest/etc/doorbuster/doorbuster.toml" ]; then
    install -D -m 644 "$here/doorbuster.toml" "$dest/etc/doorbuster/doorbuster.toml"
fi
systemd-sysusers ${root:+"$root"} doorbuster.conf
systemd-tmpfiles ${root:+"$root"} --create doorbuster.conf
systemctl ${root:+"$root"} --quiet enable doorbuster-web.service
if live; then
    systemctl daemon-reload
    if systemctl --quiet is-active doorbuster-web.service; then
        systemctl try-restart 'doorbuster-web*.service' 'doorbuster-worker*.service'
    else
        systemctl start doorbuster-web.socket doorbuster-admin.socket doorbuster-web.service
    fi
    systemctl --no-pager --lines 0 status doorbuster-web.service
fi
