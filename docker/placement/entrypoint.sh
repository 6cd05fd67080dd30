#!/bin/sh
# Brings the database's schema up to date, then becomes uwsgi.
#
# Placement would do the first at its own start (SYNC_ON_STARTUP), but in each of uwsgi's processes at once: on an empty
# database two of them create the same tables, and one fails. Done here it is done once, and theirs finds nothing to do.
set -eu

placement-manage db sync
# Where the queue of waiting requests is full (uwsgi's default is 100), the kernel drops new connections, which are tried again after
# seconds only: as long as the kernel allows instead, which is the most that uwsgi takes.
exec uwsgi-core --ini /usr/local/lib/placement/uwsgi.ini --listen "$(cat /proc/sys/net/core/somaxconn)"
