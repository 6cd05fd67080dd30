#!/bin/sh
# Brings the database's schema up to date, then becomes uwsgi.
#
# Placement would do the first at its own start (SYNC_ON_STARTUP), but in each of uwsgi's processes at once: on an empty
# database two of them create the same tables, and one fails. Done here it is done once, and theirs finds nothing to do.
set -eu

placement-manage db sync
# Requests wait in a queue while all threads are busy. When it is full (100 by default), the kernel drops new connections, and clients try
# again only after seconds. The kernel's own limit is the longest queue that uwsgi takes.
exec uwsgi-core --ini /usr/local/lib/placement/uwsgi.ini --listen "$(cat /proc/sys/net/core/somaxconn)"
