"""Compares what passed with what is known to pass: compare.py FOLDER KNOWN OUTPUT... (--write: what passed is what is known from now on).

FOLDER has the suite. KNOWN has a line for each file of it that passes: its name and how many tests it has. An OUTPUT is what run-files.py
printed.
"""
import pathlib
import re
import sys

is_writing = '--write' in sys.argv
folder, known_path, *outputs = [argument for argument in sys.argv[1:] if argument != '--write']

tests = {}
for path in pathlib.Path(folder).glob('openstack-placement/placement/tests/functional/gabbits/*.yaml'):
    tests[path.stem] = len(re.findall(r'^ *- name: ', path.read_text(), re.M))

passed = dict.fromkeys(tests, 0)
for output in outputs:
    # When what a file needs could not be made, none of it was run, and one is bad.
    for name, run, bad in re.findall(r'^(\S+) +(\d+) run +(\d+) bad$', pathlib.Path(output).read_text(), re.M):
        passed[name] = max(0, int(run) - int(bad))

good = [name for name in sorted(tests) if passed[name] == tests[name]]
known = dict(line.split() for line in pathlib.Path(known_path).read_text().splitlines())
lost = [name for name in sorted(known) if passed.get(name, 0) < int(known[name])]
won = [name for name in good if tests[name] > int(known.get(name, 0))]

if is_writing:
    pathlib.Path(known_path).write_text(''.join('%s %d\n' % (name, tests[name]) for name in good))
elif won:
    print('these pass and are not in %s (--write adds them): %s' % (known_path, ', '.join(won)))
for name in lost:
    print('passed before, and does not now: %s, %d of %s' % (name, passed.get(name, 0), known[name]))
print('placement suite: {:,} of {:,}'.format(sum(passed.values()), sum(tests.values())))
sys.exit(bool(lost) and not is_writing)
