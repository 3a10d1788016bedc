"""Why a run ends without a verdict."""


class Cannot(Exception):
    """This machine lacks something: root, packages, memory, programs."""


class Broken(Exception):
    """The laboratory itself does not work: the guest does not come up, the collector does not answer."""
