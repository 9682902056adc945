"""The verbs of ``sfx``, a module each: found by being here, and called as the module is.

A verb has

- a docstring, which ``sfx VERB --help`` shows, and ``SUMMARY``, which ``sfx --help`` shows;
- ``ORDER``, its place in ``sfx --help``, which goes by the order of the work;
- ``EXAMPLES``, commands that its help ends with;
- ``add_options(parser)``, which adds to the `argparse.ArgumentParser` of the verb;
- ``run(args)``, which calls the public API and prints: lines with `tell`, which leaves them out
  with ``--quiet``, and with ``--json``, which a verb that has a result takes, by `tell_programs`.

All of them are imported whatever is asked for, so what takes long to import is imported in ``run``.
"""
