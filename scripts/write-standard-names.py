#!/usr/bin/python3
"""Writes the standard resource classes and traits of OpenStack for packages/placement, as Debian packages them.

Needs python3-os-resource-classes and python3-os-traits. Run it from anywhere; then `npx oxfmt packages/placement`.
"""
import os_resource_classes
import os_traits
import pathlib
import subprocess

MODEL = pathlib.Path(__file__).resolve().parent.parent / 'packages/placement/src/model'


def version(package):
    return subprocess.check_output(['dpkg-query', '-W', '-f', '${Version}', package], text=True)


def write(file, constant, names, what, package):
    lines = [
        '// Written by scripts/write-standard-names.py.',
        '',
        '/** %s, of %s %s. */' % (what, package, version(package)),
        'export const %s: readonly string[] = [' % constant,
        *("  '%s'," % name for name in names),
        '];',
        '',
    ]
    (MODEL / file).write_text('\n'.join(lines))


write('standard-classes.ts', 'STANDARD_CLASSES', os_resource_classes.STANDARDS,
      'Resource classes that are always there, in the order in which they are listed', 'python3-os-resource-classes')
write('standard-traits.ts', 'STANDARD_TRAITS', sorted(os_traits.get_traits()),
      'Traits that are always there', 'python3-os-traits')
