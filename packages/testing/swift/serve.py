"""
OpenStack's Swift with its S3 API, on one disk and in one process.

usage: serve.py FOLDER PORT ACCOUNT:USER SECRET
"""

import eventlet

eventlet.monkey_patch()

import os
import sys

from eventlet import wsgi
from swift.common import utils
from swift.common.ring import RingBuilder
from swift.common.wsgi import SwiftHttpProtocol, loadapp

HOST = "127.0.0.1"


class Cache:
    """In place of memcached, where Swift's login looks for tokens: requests of S3 have none."""

    def get(self, _key, **_options):
        return None

    def set(self, _key, _value, **_options):
        pass

    def delete(self, _key, **_options):
        pass


def with_cache(app):
    cache = Cache()
    return lambda env, start: app({**env, "swift.cache": cache}, start)


def write_config(path, sections):
    with open(path, "w") as file:
        for name, keys in sections.items():
            file.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()))
    return path


def write_ring(folder, name, port):
    # One copy of everything, on the one disk.
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=1)
    builder.add_dev({"region": 1, "zone": 1, "ip": HOST, "port": port, "device": "disk", "weight": 1, "id": 0})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, f"{name}.ring.gz"))


def serve(socket, app):
    wsgi.server(socket, app, utils.NullLogger(), protocol=SwiftHttpProtocol)


def start_storage(folder, name, common):
    socket = eventlet.listen((HOST, 0))
    write_ring(folder, name, socket.getsockname()[1])
    sections = {"DEFAULT": common, "app:main": {"use": f"egg:swift#{name}"}}
    app = loadapp(write_config(os.path.join(folder, f"{name}.conf"), sections))
    eventlet.spawn(serve, socket, app)


def filters_for(user, secret):
    """In the order in which a request meets them."""
    account, name = user.split(":")
    return {
        "healthcheck": {},
        "catch_errors": {},
        "gatekeeper": {},
        "listing_formats": {},
        "s3api": {"location": "us-east-1"},
        "tempauth": {f"user_{account}_{name}": f"{secret} .admin"},
        "slo": {},
    }


def main(folder, port, user, secret):
    # Swift would read this from /etc.
    utils.HASH_PATH_SUFFIX = b"any"
    os.makedirs(os.path.join(folder, "disk"), exist_ok=True)
    common = {"devices": folder, "swift_dir": folder, "mount_check": "false", "log_level": "WARNING"}
    for name in ("account", "container", "object"):
        start_storage(folder, name, common)
    filters = filters_for(user, secret)
    sections = {
        "DEFAULT": common,
        "pipeline:main": {"pipeline": " ".join([*filters, "proxy-server"])},
        "app:proxy-server": {"use": "egg:swift#proxy", "account_autocreate": "true"},
        **{f"filter:{name}": {"use": f"egg:swift#{name}", **keys} for name, keys in filters.items()},
    }
    app = loadapp(write_config(os.path.join(folder, "proxy.conf"), sections))
    serve(eventlet.listen((HOST, port)), with_cache(app))


main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
