#!/bin/sh
# Brings the database's schema up to date, then becomes uwsgi.
#
# Placement would do the first at its own start (SYNC_ON_STARTUP), but in each of uwsgi's processes at once: on an empty
# database two of them create the same tables, and one fails. Done here it is done once, and theirs finds nothing to do.
set -eu

placement-manage db sync
exec uwsgi-core --ini /usr/local/lib/placement/uwsgi.ini
