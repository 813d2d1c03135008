"""Names that mean something: two in three requests about a switch are about one that is there."""

import schemathesis

SWITCHES = {"id": ("s1", "s2"), "dpid": ("1", "2"), "switch": ("00:00:00:00:00:00:00:01", "all")}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Those that were made, with known names in place of most of those of switches."""
    path = context.operation.path
    for name, known in SWITCHES.items():
        made = (path_parameters or {}).get(name)
        if isinstance(made, str) and ("/switches/" in path or not path.startswith("/v1/")):
            path_parameters[name] = (*known, made)[len(made) % 3]
    return path_parameters
