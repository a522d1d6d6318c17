"""The table of commands, and one module for each.

A module `penstock.cli.commands.<name>` has two functions: `add_arguments(parser)` declares its
options, `run(args, out)` does the work and returns the exit status. Its docstring is its help.
"""

from types import MappingProxyType

# Name -> one line for `penstock --help`. The module is imported only when its command is given,
# so that no command pays for another. A dash in a name is an underscore in the module.
COMMANDS = MappingProxyType(
    {
        "api-key": "make a key for a client of the server",
        "bench": "find out how much a model server carries, and how fast it answers",
        "compat": "compare the names of penstock with those of TensorFlow",
        "convert": "turn weights, old checkpoints and Keras models into other files",
        "demo": "train on handwritten digits, export, serve, and write a report",
        "inspect": "say what is in a model, checkpoint, record or event file",
        "ops": "list the ops that this build knows",
        "serve": "serve models over HTTP, as TensorFlow Serving does",
        "version": "print the versions of penstock and of what it stands on",
    }
)
