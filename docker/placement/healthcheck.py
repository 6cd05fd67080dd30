"""Exit 0 when Placement answers a query that reads its database.

Runs every few seconds, so it imports little. Any answer but a server error is good: with an auth strategy other than
noauth2 it is a 401.
"""

import socket
import sys

REQUEST = (
    b"GET /resource_providers?name=health-check HTTP/1.1\r\n"
    b"Host: localhost\r\nX-Auth-Token: admin\r\nConnection: close\r\n\r\n"
)

try:
    with socket.create_connection(("127.0.0.1", 8080), timeout=4) as connection:
        connection.sendall(REQUEST)
        status_line = connection.makefile("rb").readline().decode("latin-1").strip()
except OSError as error:
    sys.exit(f"no answer from Placement on port 8080: {error}")

status = status_line.split(" ")[1:2]
if not status or not status[0].isdigit() or int(status[0]) >= 500:
    sys.exit(f"Placement answered {status_line!r}")
