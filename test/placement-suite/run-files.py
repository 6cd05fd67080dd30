"""Runs files of OpenStack Placement's functional suite: run-files.py FOLDER LAUNCHER FILE...

FOLDER holds the suite (openstack-placement/) and its own runner (run.py), which does all the work. This adds what newer releases of gabbi
have and Debian's has not: a text of `response_strings` between slashes is a regular expression.
"""
import os
import re
import runpy
import sys

from gabbi.handlers.core import StringResponseHandler

folder, launcher, *files = sys.argv[1:]
expect_text = StringResponseHandler.action


def expect_text_or_pattern(self, test, expected, value=None):
    if not re.fullmatch('/.+/', expected):
        return expect_text(self, test, expected, value)
    pattern = test.replace_template(expected, escape_regex=True)[1:-1]
    test.assertRegex(test.output, pattern)


StringResponseHandler.action = expect_text_or_pattern
runner = os.path.join(folder, 'run.py')
sys.argv = [runner, os.path.join(folder, 'openstack-placement'), launcher, *files]
runpy.run_path(runner, run_name='__main__')
